import { env } from "cloudflare:workers";
import { createApi } from "#api/app.ts";
import { handleRenderMessage } from "#consumers/render-message.ts";
import { fanOut } from "#actions/fan-out.ts";
import { sweep } from "#consumers/sweep.ts";
import { userUuid } from "#core/identity.ts";
import { type LogFields, logTo } from "#core/log.ts";
import type { QueueMessage, RenderMessage, UpgradeMessage } from "#core/messages.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import { Settings } from "#core/settings.ts";
import { mintToken } from "#core/token.ts";
import type { Deps } from "#deps.ts";
import { admitPack } from "#registry/admit-pack.ts";
import { createCaches } from "#registry/caches.ts";
import { ENGINE_VERSION } from "#render/version.ts";
import { packBlobs } from "#store/pack-blobs.ts";
import { schemaStore } from "#store/schema-store.ts";
import { userStore } from "#store/user-store.ts";

type LogLine = { event: string } & LogFields;
export type Answer<T = unknown> = {
  status: number;
  body: {
    success: boolean;
    data: T;
    error: { code: string; message: string; action: string; details?: Record<string, unknown>[] };
  };
  headers: Headers;
};

let worlds = 0;

/** Every value of a secret that a test of this run has sent: the canary test, which runs last, looks for all of them. */
export const SECRETS_SENT = new Set<string>();
const noteSecret = (path: string, body: unknown): void => {
  const value =
    path === "/secrets/set" && typeof body === "object" ? (body as { value?: unknown } | null)?.value : null;
  // padding, as the tests of limits send it, is in many other places too
  if (typeof value === "string" && value.length >= 12 && new Set(value).size > 4) SECRETS_SENT.add(value);
};

/**
 * A world with real D1, KV and R2, a stopped clock, ids of its own, a queue that can be read, and a log that can be
 * read. Storage is shared by the tests of a file, so each world makes tenants and packs of its own.
 */
export function world(overrides: Partial<Deps> = {}) {
  const name = `w${++worlds}-${crypto.randomUUID().slice(0, 8)}`;
  const sent: RenderMessage[] = [];
  const upgrades: UpgradeMessage[] = [];
  const enqueue = (message: QueueMessage) =>
    message.kind === "render-version" ? sent.push(message) : upgrades.push(message);
  const lines: LogLine[] = [];
  const pending: Promise<unknown>[] = [];
  const clock = {
    at: new Date("2026-01-02T03:04:05.000Z"),
    now: () => new Date(clock.at),
    advance: (seconds: number) => void (clock.at = secondsAfter(clock.at, seconds)),
  };
  const deps: Deps = {
    db: env.DB,
    files: env.QUADLETS,
    backups: env.BACKUPS,
    users: env.USERS,
    manifests: env.MANIFESTS,
    secrets: env.SECRETS,
    renderQueue: {
      send: async (message) => void enqueue(message) as unknown as QueueSendResponse,
      sendBatch: async (messages) =>
        void [...messages].map(({ body }) => enqueue(body)) as unknown as QueueSendBatchResponse,
    },
    http: (input, init) => fetch(input, init),
    shield: env.SHIELD,
    clock,
    ids: { uuid: () => crypto.randomUUID() },
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    log: logTo((line) => lines.push(JSON.parse(line) as LogLine)),
    settings: Settings.parse(env),
    caches: createCaches(),
    engineVersion: ENGINE_VERSION,
    onBudget: () => {},
    after: (work) => void pending.push(work),
    ...overrides,
  };
  const api = createApi(() => deps);

  const request = async <T = Record<string, unknown>>(
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<Answer<T>> => {
    noteSecret(path, options.body);
    const response = await api.request(
      path,
      {
        method,
        headers: {
          ...(options.token && { authorization: `Bearer ${options.token}` }),
          ...(options.body !== undefined && { "content-type": "application/json" }),
          ...options.headers,
        },
        ...(options.body !== undefined && {
          body: typeof options.body === "string" ? options.body : JSON.stringify(options.body),
        }),
      },
      env,
    );
    if (response.status === 500) console.error(JSON.stringify(lines.findLast(({ cause }) => cause !== undefined)));
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true && text !== "";
    return {
      status: response.status,
      body: (isJson ? JSON.parse(text) : text) as Answer<T>["body"],
      headers: response.headers,
    };
  };

  /** Signs a person in without Tailscale: the same rows, the same kind of token. */
  const tenant = async (login = `${name}@example.com`, device = "d1") => {
    const tailscaleId = `u-${login}`;
    const user_uuid = userUuid(tailscaleId);
    await env.DB.batch(
      userStore.signIn(env.DB, {
        user_uuid,
        tailscale_user_id: tailscaleId,
        tailscale_email: login,
        tailnet: "example.ts.net",
        display_name: null,
        device_id: device,
        device_hostname: `${device}-host`,
        cli_version: null,
        now: toInstant(clock.now()),
      }),
    );
    const context = { keys: deps.settings.TOKEN_SIGNING_KEYS, issuer: deps.settings.TOKEN_ISSUER, now: clock.now() };
    const token = await mintToken(context, {
      sub: user_uuid,
      dev: device,
      te: 0,
      ue: 0,
      scope: "cli",
      jti: crypto.randomUUID(),
    });
    return { id: user_uuid, token, login };
  };

  /** Admits a pack under a slug of this world's own, by the registry's own code. */
  const admit = async (tree: ReadonlyMap<string, Uint8Array>, version = "v1.0.0", slug = name) => {
    const admission = await admitPack(tree, { pack: slug, version, notes: "" });
    if (admission.digest !== "")
      await packBlobs.put(deps, { pack: slug, version, digest: admission.digest }, admission.text);
    await schemaStore.insert
      .bind(env.DB, {
        pack: slug,
        version,
        repository: `tests/${slug}`,
        github_release_url: `https://example.com/${slug}`,
        github_tag: version,
        commit_sha: "0".repeat(40),
        asset_digest: null,
        pack_digest: admission.digest,
        template_manifest: JSON.stringify(admission.templateManifest),
        config_schema: JSON.stringify(admission.pack?.schema ?? {}),
        podman_min: "5.4",
        podman_max: null,
        status: admission.status,
        report: JSON.stringify(admission.report),
        compatibility: null,
        migration_required: 0,
        matrix: null,
        released_at: toInstant(clock.now()),
        fetched_at: toInstant(clock.now()),
      })
      .run();
    return { slug, version, admission };
  };

  return {
    name,
    deps,
    api,
    sent,
    upgrades,
    lines,
    clock,
    request,
    tenant,
    admit,
    sweep: () => sweep(deps),
    /** Delivers every message that was sent, once. */
    deliver: async () => {
      for (const message of [...upgrades.splice(0), ...sent.splice(0)]) await handleRenderMessage(deps, message);
    },
    /** Announces all releases that wait. Tests share their storage: others' may come before this one's, too many for one run. */
    announce: async () => {
      const running = env.DB.prepare("SELECT COUNT(*) AS n FROM fanouts WHERE state = 'running'");
      do await fanOut(deps);
      while ((await running.first<number>("n")) !== 0);
    },
    settle: () => Promise.all(pending.splice(0)),
  };
}

type RequestOptions = { token?: string; body?: unknown; headers?: Record<string, string> };
