import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { localClaims } from "../kill/local-claims.ts";
import { type LocalWorker, ROOT, startLocalWorker } from "../start/local-worker.ts";
import { TEMPLATES, startUpstreams } from "../upstreams/start-upstreams.ts";

export type Finished = { code: number | null; stdout: string; stderr: string };
export type Running = {
  finished: Promise<Finished>;
  lines: () => string[];
  errors: () => string;
  kill: (signal: NodeJS.Signals) => void;
};
export type Machine = ReturnType<typeof makeMachine>;
export type Stack = Awaited<ReturnType<typeof startStack>>;

/**
 * The product as `npm start` has it, in a folder of its own, with releases v1.0.0 and v1.1.0, or others; it can be stopped and started again on the
 * same port with the same state.
 */
export async function startStack(published = ["v1.0.0", "v1.1.0"]) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "leger-cli-"));
  const upstreams = await startUpstreams({
    fixtures: path.join(ROOT, "templates-fixtures"),
    repositories: [{ ...TEMPLATES, published }],
  });
  const vars = {
    GITHUB_API_URL: upstreams.githubUrl,
    TAILSCALE_API_URL: upstreams.tailscaleUrl,
    OPERATOR_LOGINS: "alice@github",
  };
  const start = (port: number) => startLocalWorker({ folder, port, vars, progress: () => {} });
  let worker: LocalWorker = await start(0);
  const { url } = worker;
  await worker.playCron("7 * * * *");
  return {
    url,
    upstreams,
    folder,
    cron: (cron = "* * * * *") => worker.playCron(cron),
    stop: () => worker.stop(),
    restart: async () => {
      worker = await start(Number(new URL(url).port));
      if (worker.url !== url) throw new Error(`${url} was taken by somebody else`);
    },
    close: async () => {
      await worker.stop();
      await upstreams.close();
      rmSync(folder, { recursive: true, force: true });
    },
    machine: (name: string, hostname = "alice-laptop", tailnet = "example.ts.net") => {
      const machine = makeMachine(path.join(folder, "machines", name), url);
      writeFileSync(machine.claims, JSON.stringify(localClaims(upstreams, { tailnet, hostname })));
      return machine;
    },
  };
}

/** A person's account on a machine: a home of its own, and `leger` in it. */
function makeMachine(home: string, url: string) {
  const bin = path.join(home, "bin");
  mkdirSync(bin, { recursive: true });
  const env = {
    PATH: `${bin}${path.delimiter}${process.env["PATH"] ?? ""}`,
    HOME: home,
    XDG_CONFIG_HOME: path.join(home, "config"),
    XDG_DATA_HOME: path.join(home, "data"),
    LEGER_API_URL: url,
    NODE_NO_WARNINGS: "1",
    NODE_COMPILE_CACHE: path.join(os.tmpdir(), "leger-compile-cache"),
  };
  const start = (args: readonly string[], options: { env?: Record<string, string>; input?: string } = {}): Running => {
    const child = spawn(process.execPath, [path.join(ROOT, "tools/leger/leger.mjs"), ...args], {
      cwd: home,
      env: { ...env, ...options.env },
    });
    child.stdin.end(options.input ?? "");
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => (stdout += String(chunk)));
    child.stderr.on("data", (chunk) => (stderr += String(chunk)));
    const finished = new Promise<Finished>((resolve) => {
      child.on("close", (code) => resolve({ code, stdout, stderr }));
    });
    return {
      finished,
      errors: () => stderr,
      lines: () => stdout.split("\n").slice(0, -1),
      kill: (signal) => void child.kill(signal),
    };
  };
  return {
    home,
    bin,
    env,
    claims: path.join(home, "claims.json"),
    file: (name: string) => path.join(home, name),
    start,
    leger: (args: readonly string[], options: Parameters<typeof start>[1] = {}) => start(args, options).finished,
  };
}
