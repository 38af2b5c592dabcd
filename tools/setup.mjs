// Brings a fresh clone to where TypeScript tools can run, then runs one: `node tools/setup.mjs tools/check.ts --fast`.
// Plain JavaScript for Node 20: nothing is installed yet when this starts. It runs the tool itself, because a shell that
// has found `node` once goes on using that one, although a newer one has just been installed before it on the path.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const [script, ...rest] = process.argv.slice(2);
const stamp = path.join(root, "node_modules/.leger-installed");

install();
const bin = path.join(root, "node_modules/.bin");
const child = spawn(nodeForTools(), [path.join(root, script), ...rest], {
  cwd: root,
  stdio: "inherit",
  env: {
    ...process.env,
    PATH: `${bin}${path.delimiter}${process.env.PATH}`,
    NODE_OPTIONS: "--disable-warning=ExperimentalWarning",
  },
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 1)));

/** `npm ci` where the lock file is not what is installed. */
function install() {
  const lock = createHash("sha256")
    .update(readFileSync(path.join(root, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  console.log("Installing the packages of package-lock.json (once, about 20 seconds) …");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const done = spawnSync(npm, ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: root, stdio: "inherit" });
  if (done.status !== 0) {
    console.error(
      "npm ci failed. What it said above names the package; a network that reaches the npm registry is needed once.",
    );
    process.exit(1);
  }
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}

/** Node 24 comes by the lock file on Linux; elsewhere the one at hand must be new enough to run TypeScript. */
function nodeForTools() {
  const own = path.join(root, "node_modules/.bin/node");
  if (process.platform === "linux" && existsSync(own)) return own;
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  console.error(`Leger's tools need Node 22.18 or later on ${process.platform}, and this is ${process.versions.node}.`);
  console.error("Install a current Node (https://nodejs.org) and run the same command again.");
  process.exit(1);
}
