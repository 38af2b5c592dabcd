import path from "node:path";
import { createTestHarness, unstable_readConfig } from "wrangler";
import { z } from "zod";
import { localClaims } from "../tools/kill/local-claims.ts";
import { makeLocalSecrets } from "../tools/local-secrets.ts";
import { startUpstreams } from "../tools/upstreams/start-upstreams.ts";

const ROOT = path.resolve(import.meta.dirname, "..");
const CONFIG = path.join(ROOT, "wrangler.toml");

/** The cron expressions of wrangler.toml. */
export const MINUTELY = "* * * * *";
export const HOURLY = "7 * * * *";

type Body = {
  success: boolean;
  data: Record<string, unknown>;
  error: { code: string; message: string; action: string; docs: string };
};
export type Answer = { status: number; headers: Headers; bytes: Uint8Array; text: string; json: () => Body };
type RequestOptions = { token?: string; body?: unknown; form?: FormData; headers?: Record<string, string> };

export type BuiltWorker = Awaited<ReturnType<typeof startBuiltWorker>>;

/**
 * The worker as `wrangler deploy` would build it, in a workerd that forbids eval, with empty storage of its own, its real
 * local queue, fresh secrets, and upstreams over templates-fixtures. Beside it runs `eval-probe`, a worker with the same
 * compatibility settings that says what this runtime thinks of code from strings.
 */
export async function startBuiltWorker() {
  const upstreams = await startUpstreams({ fixtures: path.join(ROOT, "templates-fixtures") });
  const { compatibility_date, compatibility_flags } = unstable_readConfig({ config: CONFIG }, { hideWarnings: true });
  const harness = createTestHarness({
    root: ROOT,
    workers: [
      {
        configPath: CONFIG,
        vars: {
          GITHUB_API_URL: upstreams.githubUrl,
          TAILSCALE_API_URL: upstreams.tailscaleUrl,
          TAILSCALE_ID_TOKEN_ISSUER: upstreams.idTokenIssuer,
          TAILSCALE_ID_TOKEN_JWKS_URL: upstreams.idTokenJwksUrl,
        },
        secrets: makeLocalSecrets(),
      },
      {
        config: {
          name: "eval-probe",
          main: "test-prod/eval-probe.ts",
          ...(compatibility_date && { compatibility_date }),
          compatibility_flags,
        },
      },
    ],
  });
  await harness.listen();
  const worker = harness.getWorker();
  await worker.applyD1Migrations("DB");

  const request = async (method: string, route: string, options: RequestOptions = {}): Promise<Answer> => {
    const { token, body, form, headers } = options;
    // encoded here by Node as an ordinary client would: the harness has a FormData of its own
    const encoded = form && new Response(form);
    const contentType = encoded?.headers.get("content-type");
    const response = await worker.fetch(route, {
      method,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
        ...(contentType && { "content-type": contentType }),
        ...headers,
      },
      ...(encoded && { body: await encoded.arrayBuffer() }),
      ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const text = new TextDecoder().decode(bytes);
    return {
      status: response.status,
      headers: new Headers([...response.headers]),
      bytes,
      text,
      json: () => JSON.parse(text) as Body,
    };
  };

  return {
    request,
    upstreams,
    probeEval: async () => (await harness.getWorker("eval-probe").fetch("/")).json(),
    cron: (cron: string) => worker.scheduled({ cron, scheduledTime: new Date() }),
    /** Our own log lines so far, one object each. */
    logLines: () => harness.getLogs().flatMap(({ message }) => logLine(message)),
    clearLogs: () => harness.clearLogs(),
    /** Signs alice in from her laptop, by her only tailnet's two APIs. */
    signIn: async (): Promise<{ token: string; userUuid: string }> => {
      const claims = localClaims(upstreams, { tailnet: "example.ts.net", hostname: "alice-laptop" });
      const answer = await request("POST", "/auth/cli", { body: { tailscale: claims } });
      const { token, user_uuid } = SignedIn.parse(answer.json().data);
      return { token, userUuid: user_uuid };
    },
    close: async () => {
      await harness.close();
      await upstreams.close();
    },
  };
}

const SignedIn = z.object({ token: z.string().startsWith("leg_"), user_uuid: z.uuid() });

function logLine(message: string): Record<string, unknown>[] {
  try {
    return [JSON.parse(message) as Record<string, unknown>];
  } catch {
    return [];
  }
}
