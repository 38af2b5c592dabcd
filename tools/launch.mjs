// Finds a Node that runs TypeScript, then hands over. Plain JavaScript, because the Node that a shell finds first may be
// too old for more.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);

/** Runs `main` (a path) as the command called `name`, with this process's arguments, streams, signals and exit code. */
export async function launch(name, main) {
  if (major >= 24 || (major === 22 && minor >= 18)) {
    module.enableCompileCache(); // half of a short command's time would go into reading the same sources again
    await import(pathToFileURL(main).href);
    return;
  }
  const own = path.join(path.dirname(fileURLToPath(import.meta.url)), "../node_modules/.bin/node");
  if (process.platform !== "linux" || !existsSync(own)) {
    console.error(`${name} needs Node 22.18 or later, and this is ${process.versions.node}.`);
    console.error("Install a current Node (https://nodejs.org) and run the same command again.");
    process.exit(2);
  }
  const env = { ...process.env, NODE_OPTIONS: "--disable-warning=ExperimentalWarning" };
  const child = spawn(own, [main, ...process.argv.slice(2)], { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
}
