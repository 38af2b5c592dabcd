import { retry } from "@octokit/plugin-retry";
import { importPKCS8, SignJWT } from "jose";
import { Octokit } from "@octokit/rest";
import { causeText } from "#core/log.ts";
import type { Deps } from "#deps.ts";

const RetryingOctokit = Octokit.plugin(retry);

export type GitHub = InstanceType<typeof RetryingOctokit>;

/**
 * One client per invocation. It tries a failed request (5xx, network, no answer in time) again shortly and at most twice; everything
 * beyond is the next sync's work. At a rate limit it does not wait: see `retryAfter`. A GitHub that takes connections and says nothing
 * ends each request after the configured time and the whole client after `CLIENT_TIMEOUTS` of them, far within a sync's lease: the
 * cron that waits for it goes on.
 */
export async function githubClient(deps: GitHubDeps): Promise<GitHub> {
  const auth = await githubToken(deps);
  return clientWith(deps, auth);
}

type GitHubDeps = Pick<Deps, "http" | "settings" | "log" | "clock" | "caches">;

/** Of one request's time: enough for a large asset beside many small answers. */
const CLIENT_TIMEOUTS = 6;

function clientWith({ http, settings, log }: GitHubDeps, auth: string | null): GitHub {
  const requestMs = settings.GITHUB_TIMEOUT_SECONDS * 1000;
  const whole = AbortSignal.timeout(requestMs * CLIENT_TIMEOUTS);
  const bounded: typeof fetch = async (input, init) =>
    readWhole(await http(input, { ...init, signal: AbortSignal.any([whole, AbortSignal.timeout(requestMs)]) }));
  return new RetryingOctokit({
    baseUrl: settings.GITHUB_API_URL,
    ...(auth !== null && { auth }),
    userAgent: "leger-registry",
    request: { fetch: bounded },
    retry: {
      retries: 2,
      doNotRetry: [400, 401, 403, 404, 409, 410, 422, 429, 451],
      retryAfterBaseValue: requestMs / 50,
    },
    log: {
      debug: () => {},
      info: () => {},
      warn: (message: string) => log("github.warned", { reason: message }),
      error: (message: string) => log("github.failed", { reason: message }),
    },
  });
}

/**
 * An answer with its body read, or a failed request. Octokit takes a body that breaks off for what arrived of it, and an empty text for
 * a list: every release would seem to be deleted.
 */
async function readWhole(response: Response): Promise<Response> {
  const { status, statusText, headers } = response;
  const body = await response.arrayBuffer();
  const isJson = /^application\/(?:[\w.-]+\+)?json\b/.test(headers.get("content-type") ?? "");
  if (response.ok && isJson) JSON.parse(new TextDecoder().decode(body));
  return new Response(body.byteLength > 0 ? body : null, { status, statusText, headers });
}

/** Of an installation token, which lives an hour. */
const RENEW_SECONDS_BEFORE = 300;

/**
 * Who asks: an app's installation token, kept until shortly before it ends; else the configured token; else nobody. The app proves
 * itself by a JWT that lives nine minutes (GitHub: at most ten, its own clock a minute early).
 */
async function githubToken(deps: GitHubDeps): Promise<string | null> {
  const { settings, clock, caches } = deps;
  const app = settings.GITHUB_APP;
  if (!app) return settings.GITHUB_TOKEN ?? null;
  const now = clock.now().getTime() / 1000;
  const known = caches.githubTokens.get(app.installation_id);
  if (known && known.expiresAt - RENEW_SECONDS_BEFORE > now) return known.token;
  const jwt = await new SignJWT()
    .setProtectedHeader({ alg: "RS256" })
    .setIssuer(app.app_id)
    .setIssuedAt(Math.floor(now) - 60)
    .setExpirationTime(Math.floor(now) + 480)
    .sign(await importPKCS8(app.private_key, "RS256"));
  const { data } = await clientWith(deps, jwt).rest.apps.createInstallationAccessToken({
    installation_id: Number(app.installation_id),
  });
  caches.githubTokens.set(app.installation_id, { token: data.token, expiresAt: Date.parse(data.expires_at) / 1000 });
  return data.token;
}

/** The parts of Octokit's RequestError that decisions need; a network failure has status 500 and no response. */
export type RequestFailure = { status: number; headers: Record<string, string | number | undefined> };

export function requestFailure(cause: unknown): RequestFailure | null {
  if (!(cause instanceof Error) || !("status" in cause) || typeof cause.status !== "number") return null;
  const response =
    "response" in cause ? (cause.response as { headers?: RequestFailure["headers"] } | undefined) : undefined;
  return { status: cause.status, headers: response?.headers ?? {} };
}

export const isNotModified = (cause: unknown) => requestFailure(cause)?.status === 304;

/**
 * When GitHub wants to be asked again (instant), or null where the failure is no rate limit: `retry-after` rules, then
 * `x-ratelimit-reset` when nothing remains; a secondary limit without either waits a minute, as GitHub asks.
 */
export function retryAfter(cause: unknown, now: Date): Date | null {
  const failure = requestFailure(cause);
  if (!failure || (failure.status !== 403 && failure.status !== 429)) return null;
  const after = Number(failure.headers["retry-after"]);
  if (Number.isFinite(after) && after > 0) return new Date(now.getTime() + Math.min(after, DAY_SECONDS) * 1000);
  if (String(failure.headers["x-ratelimit-remaining"]) === "0") {
    const reset = Number(failure.headers["x-ratelimit-reset"]) * 1000;
    return new Date(Math.min(Math.max(reset, now.getTime() + 1000), now.getTime() + DAY_SECONDS * 1000));
  }
  const isSecondary = failure.status === 429 || /secondary rate limit/i.test(causeText(cause));
  return isSecondary ? new Date(now.getTime() + 60_000) : null;
}

const DAY_SECONDS = 86_400;
