import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeLocalSecrets } from "../local-secrets.ts";

export const ROOT = path.join(import.meta.dirname, "../..");
const WRANGLER = path.join(ROOT, "node_modules/wrangler/bin/wrangler.js");
/** Some three seconds on an idle machine; it ends sooner where the worker does. */
const READY_SECONDS_MAX = 180;
const STARTS_MAX = 3;

class WorkerEnded extends Error {}

export type LocalWorker = {
  url: string;
  log: string;
  /** What GitHub's webhooks are signed with. */
  webhookSecret: string;
  playCron(cron: string): Promise<void>;
  stop(): Promise<void>;
};

type LocalOptions = {
  folder: string;
  port: number;
  vars: Record<string, string>;
  progress: (what: string) => void;
};

/**
 * The product on this machine: migrations into the embedded D1, then `wrangler dev` with KV, R2 and Queues, state under
 * `folder`. Offline and without a login. Local cron never fires by itself: `playCron` does. A port that is free now, of the
 * several that wrangler looks for, may be another program's when workerd asks for it: a start that ends is tried again with
 * others.
 */
export async function startLocalWorker(options: LocalOptions): Promise<LocalWorker> {
  const { folder, progress } = options;
  const state = path.join(folder, "state");
  const log = path.join(folder, "worker.log");
  mkdirSync(state, { recursive: true });
  const secrets = localSecrets(folder);

  progress("applying migrations to the local database");
  await run(["d1", "migrations", "apply", "DB", "--local", "--persist-to", state], log);

  progress("starting the worker");
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(options, { state, log, secrets });
    } catch (cause) {
      if (tries === STARTS_MAX || !(cause instanceof WorkerEnded)) throw cause;
    }
  }
}

type Places = { state: string; log: string; secrets: { file: string; webhookSecret: string } };

/** The runtime is started in a process group of its own, because ending wrangler alone would leave workerd behind. */
async function startOnce(options: LocalOptions, { state, log, secrets }: Places): Promise<LocalWorker> {
  const port = options.port !== 0 && (await isFree(options.port)) ? options.port : await freePort();
  const url = `http://127.0.0.1:${port}`;
  const vars = Object.entries({ ...options.vars, PUBLIC_URL: url }).flatMap(([name, value]) => [
    "--var",
    `${name}:${value}`,
  ]);
  const places = ["--port", String(port), "--persist-to", state, "--env-file", secrets.file];
  const args = ["dev", "--ip", "127.0.0.1", ...places, ...vars, "--show-interactive-dev-session=false"];
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    cwd: ROOT,
    env: wranglerEnv(),
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const sink = createWriteStream(log, { flags: "a" });
  child.stdout.pipe(sink);
  child.stderr.pipe(sink);
  const stop = () => endGroup(child);
  try {
    await waitUntilReady(url, child, log);
  } catch (cause) {
    await stop();
    throw cause;
  }
  const playCron = async (cron: string) => {
    const response = await fetch(`${url}/cdn-cgi/handler/scheduled?cron=${encodeURIComponent(cron)}`);
    if (!response.ok) throw new Error(`cron "${cron}" ended with ${response.status}; see ${log}`);
    await response.body?.cancel();
  };
  return { url, log, webhookSecret: secrets.webhookSecret, playCron, stop };
}

const wranglerEnv = () => ({
  ...process.env,
  CI: "1",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_LOG_PATH: path.join(ROOT, ".wrangler/logs"),
  NO_UPDATE_NOTIFIER: "1",
});

/** Made once per folder and kept, so that tokens outlive a restart; what a later version needs is added. Never committed: the folder is ignored by git. */
function localSecrets(folder: string): Places["secrets"] {
  const file = path.join(folder, "secrets.env");
  const known = existsSync(file) ? readFileSync(file, "utf8") : "";
  const webhook = { GITHUB_WEBHOOK_SECRETS: JSON.stringify([randomBytes(32).toString("hex")]) };
  const lines = Object.entries({ ...makeLocalSecrets(), ...webhook })
    .filter(([name]) => !known.split("\n").some((line) => line.startsWith(`${name}=`)))
    .map(([name, value]) => `${name}='${value}'\n`);
  if (lines.length > 0) writeFileSync(file, known + lines.join(""), { mode: 0o600 });
  const [, webhookSecret = ""] = /^GITHUB_WEBHOOK_SECRETS='\["(\w+)"\]'$/m.exec(known + lines.join("")) ?? [];
  return { file, webhookSecret };
}

async function run(args: string[], log: string): Promise<void> {
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    cwd: ROOT,
    env: wranglerEnv(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const sink = createWriteStream(log, { flags: "a" });
  child.stdout.pipe(sink, { end: false });
  child.stderr.pipe(sink, { end: false });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  sink.end();
  if (code !== 0) throw new Error(`wrangler ${args.slice(0, 3).join(" ")} failed; ${log} says:\n${tail(log)}`);
}

async function waitUntilReady(url: string, child: ChildProcess, log: string): Promise<void> {
  for (let tries = 0; tries < READY_SECONDS_MAX * 10; tries++) {
    if (child.exitCode !== null) throw new WorkerEnded(`the worker ended; ${log} says:\n${tail(log)}`);
    const response = await fetch(`${url}/health`).catch(() => null);
    await response?.body?.cancel();
    if (response?.ok) return;
    await sleep(100);
  }
  throw new Error(`the worker did not answer within ${READY_SECONDS_MAX} seconds; ${log} says:\n${tail(log)}`);
}

const tail = (file: string) =>
  existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n").slice(-15).join("\n") : "";

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  process.kill(-child.pid, "SIGTERM");
  const isLate = Symbol("late");
  if ((await Promise.race([ended, sleep(3000, isLate)])) === isLate) process.kill(-child.pid, "SIGKILL");
}

const listenOn = (port: number) =>
  new Promise<number | null>((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : null));
    });
  });
const isFree = async (port: number) => (await listenOn(port)) !== null;
const freePort = async () => (await listenOn(0)) ?? 0;
