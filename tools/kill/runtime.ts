import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ROOT = path.resolve(import.meta.dirname, "../..");
const WRANGLER = path.join(ROOT, "node_modules/wrangler/bin/wrangler.js");
const READY_WITHIN_MS = 60_000;
const STARTS_MAX = 3;

/** A folder outside the project that holds a build of the test's worker and all that its runtimes persist. */
export type RuntimeFolder = {
  readonly path: string;
  readonly logFile: string;
  /** Variables and secrets of the runtimes that are started from now on. */
  setVariables(variables: Record<string, string>): void;
  remove(): void;
};

/**
 * Builds the worker once and migrates an empty database. Wrangler leaves its temporary files behind when it is killed, so
 * it works on a copy of wrangler.toml in a folder of its own, where that costs nobody anything.
 */
export async function prepareFolder(
  variables: Record<string, string>,
  entryFile = "worker/entry.ts",
): Promise<RuntimeFolder> {
  const folder = mkdtempSync(path.join(tmpdir(), "leger-kill-"));
  const logFile = path.join(folder, "runtime.log");
  copyFileSync(path.join(ROOT, "wrangler.toml"), path.join(folder, "wrangler.toml"));
  for (const name of ["node_modules", "migrations"]) symlinkSync(path.join(ROOT, name), path.join(folder, name));
  const setVariables = (all: Record<string, string>) => {
    const lines = Object.entries(all).map(([name, value]) => `${name}='${value}'\n`);
    writeFileSync(path.join(folder, ".dev.vars"), lines.join(""), { mode: 0o600 });
  };
  setVariables(variables);
  appendFileSync(logFile, "");
  const entry = path.join(import.meta.dirname, entryFile);
  const run = async (args: string[]) => {
    const child = spawnWrangler({ folder, logFile, args });
    const [code] = (await once(child, "exit")) as [number | null];
    if (code !== 0) throw new Error(`wrangler ${args[0]} ended with ${code}; see ${logFile}`);
  };
  await Promise.all([
    run(["deploy", entry, "--dry-run", "--outdir", "build"]),
    run(["d1", "migrations", "apply", "DB", "--local", "--persist-to", "state"]),
  ]);
  renameSync(path.join(folder, "build", path.basename(entry, ".ts") + ".js"), path.join(folder, "build/worker.js"));
  return { path: folder, logFile, setVariables, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export type Runtime = {
  readonly url: string;
  /** Where `wrangler dev` offers the Worker's isolate to a debugger. */
  readonly inspectorUrl: string;
  /** The process group of wrangler and workerd. */
  readonly groupId: number;
  /** Ends the runtime's whole process group at once, as a power cut would; resolves when nothing of it is left. */
  kill(): Promise<void>;
};

/**
 * `wrangler dev` and its workerd, in a process group of their own, on what the runtimes before it persisted. A port that
 * is free now may be another program's when workerd asks for it, so a start that fails is tried again with others.
 */
export async function startRuntime(folder: RuntimeFolder): Promise<Runtime> {
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(folder);
    } catch (error) {
      if (tries === STARTS_MAX) throw error;
    }
  }
}

async function startOnce(folder: RuntimeFolder): Promise<Runtime> {
  const [port, inspectorPort] = [await freePort(), await freePort()];
  const args = ["dev", "build/worker.js", "--no-bundle", "--persist-to", "state", "--ip", "127.0.0.1"];
  const ports = ["--port", String(port), "--inspector-port", String(inspectorPort)];
  const child = spawnWrangler({
    folder: folder.path,
    logFile: folder.logFile,
    args: [...args, ...ports, "--show-interactive-dev-session", "false"],
  });
  const ended = once(child, "exit");
  const url = `http://127.0.0.1:${port}`;
  const inspectorUrl = `http://127.0.0.1:${inspectorPort}`;
  const kill = async () => {
    endGroup(child);
    await ended;
    while (await answers(url)) await sleep(10);
  };
  try {
    await untilReady(url, child);
    return { url, inspectorUrl, groupId: child.pid ?? 0, kill };
  } catch (error) {
    await kill();
    throw error;
  }
}

function spawnWrangler({ folder, logFile, args }: { folder: string; logFile: string; args: string[] }): ChildProcess {
  const log = openSync(logFile, "a");
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    cwd: folder,
    detached: true,
    stdio: ["ignore", log, log],
    env: {
      ...process.env,
      CI: "1",
      NO_COLOR: "1",
      WRANGLER_HIDE_BANNER: "true",
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_LOG_PATH: path.join(folder, "logs"),
      WRANGLER_REGISTRY_PATH: path.join(folder, "registry"),
    },
  });
  closeSync(log);
  return child;
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!(await answers(url))) {
    if (child.exitCode !== null) throw new Error(`wrangler dev ended with ${child.exitCode} before it was ready`);
    if (Date.now() > deadline) throw new Error(`wrangler dev was not ready within ${READY_WITHIN_MS} ms`);
    await sleep(50);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health`);
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}
