import { copyFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { makeLocalSecrets } from "../local-secrets.ts";
import { apiClient } from "../start/api-client.ts";
import { startUpstreams } from "../upstreams/start-upstreams.ts";
import { openCallGate, type CallGate } from "./call-gate.ts";
import type { DeploymentState } from "./deployment-state.ts";
import { localClaims } from "./local-claims.ts";
import { prepareFolder, type Runtime, startRuntime } from "./runtime.ts";

const MINUTE_MS = 60_000;

/** The runtime of the moment, what it persisted, and how the parent process talks to it. */
export type KillWorld = {
  readonly gate: CallGate;
  /** Copies the runtime's log to where it outlives this world, and answers the path. */
  keepLog(): string;
  /** Ends the runtime where it stands. */
  kill(): Promise<void>;
  /** Starts it again on the same state, with a gate that lets everything pass. */
  restart(): Promise<void>;
  /** POST /configurations; answers the version's number. Rejects when the runtime ends first or the save is refused. */
  save(deployment: string): Promise<number>;
  /** Plays one minute of cron, `minute` minutes from now. Rejects when the runtime ends first. */
  playCron(minute: number): Promise<void>;
  state(deployment: string): Promise<DeploymentState>;
  close(): Promise<void>;
};

/** Resolves when a call whose name begins so has come back. */
function afterCall(gate: CallGate, op: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  gate.decide((call) => {
    if (call.side === "after" && call.op.startsWith(op)) resolve();
    return "go";
  });
  return promise;
}

/** A migrated database, the pack `small` synced from a local release, and alice signed in. */
export async function openKillWorld(): Promise<KillWorld> {
  const upstreams = await startUpstreams({
    fixtures: path.join(import.meta.dirname, "packs"),
    repositories: [{ fullName: "leger-run/small-templates", fixtures: "small" }],
  });
  const gate = await openCallGate();
  const folder = await prepareFolder({
    ...makeLocalSecrets(),
    GITHUB_API_URL: upstreams.githubUrl,
    TAILSCALE_API_URL: upstreams.tailscaleUrl,
    TAILSCALE_ID_TOKEN_ISSUER: upstreams.idTokenIssuer,
    TAILSCALE_ID_TOKEN_JWKS_URL: upstreams.idTokenJwksUrl,
    PACK_REPOSITORIES: JSON.stringify({ small: "leger-run/small-templates" }),
    KILL_GATE_URL: gate.url,
  });
  let runtime: Runtime = await startRuntime(folder);
  let token: string | null = null;
  const client = () => apiClient(runtime.url, token);

  const get = async (route: string): Promise<Response> => {
    const response = await fetch(runtime.url + route);
    if (response.ok) return response;
    throw new Error(`GET ${route} answered ${response.status}: ${await response.text()}`);
  };
  const cron = async (expression: string, at: number) => {
    const query = new URLSearchParams({ cron: expression, time: String(at) });
    await get(`/cdn-cgi/local/scheduled?${query.toString()}`);
  };

  const world: KillWorld = {
    gate,
    keepLog: () => {
      const kept = path.join(tmpdir(), `leger-kill-${process.pid}.log`);
      copyFileSync(folder.logFile, kept);
      return kept;
    },
    kill: () => runtime.kill(),
    restart: async () => {
      gate.decide(null);
      runtime = await startRuntime(folder);
    },
    save: async (deployment) => {
      const body = { deployment_name: deployment, pack: "small", config_data: { web: { port: 8080 } } };
      const headers = { "idempotency-key": `save-${deployment}` };
      type Saved = { version: { version: number } };
      const { version } = await client().call<Saved>("POST", "/configurations", { body, headers });
      return version.version;
    },
    playCron: (minute) => cron("* * * * *", Date.now() + minute * MINUTE_MS),
    state: async (deployment) =>
      (await get(`/__kill/state?deployment=${deployment}`)).json() as Promise<DeploymentState>,
    close: async () => {
      await runtime.kill();
      await gate.close();
      await upstreams.close();
      folder.remove();
    },
  };
  try {
    await cron("7 * * * *", Date.now());
    const tailscale = localClaims(upstreams, { tailnet: "example.ts.net", hostname: "alice-laptop" });
    const recorded = afterCall(gate, "USERS.put");
    ({ token } = await client().call<{ token: string }>("POST", "/auth/cli", { body: { tailscale } }));
    await recorded; // a sign-in writes it after its answer; later, it would be taken for a call of the first save
    return world;
  } catch (error) {
    await world.close();
    throw error;
  }
}
