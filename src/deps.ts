import { logTo } from "#core/log.ts";
import type { Log } from "#core/log.ts";
import type { Budget } from "#core/rate-limits.ts";
import type { QueueMessage } from "#core/messages.ts";
import type { Clock, IdSource, RandomSource } from "#core/runtime.ts";
import { type Settings, parseSettings } from "#core/settings.ts";
import { type Caches, createCaches } from "#registry/caches.ts";
import { ENGINE_VERSION } from "#render/version.ts";

/**
 * Everything an action may touch, as a plain object. Built once per invocation; tests build their own. This file is the
 * only reader of `env`.
 */
export type Deps = {
  db: D1Database;
  files: R2Bucket;
  backups: R2Bucket;
  users: KVNamespace;
  manifests: KVNamespace;
  /** Copies of sealed secrets; nothing but an import of v0.1's records reads them. */
  secrets: KVNamespace;
  renderQueue: Pick<Queue<QueueMessage>, "send" | "sendBatch">;
  http: typeof fetch;
  /** The platform's rate limit, approximate and per location: stands before D1, never in its place. */
  shield: Pick<RateLimit, "limit">;
  clock: Clock;
  ids: IdSource;
  /** Fresh random bytes, for keys, nonces and generated values. */
  random: RandomSource;
  log: Log;
  settings: Settings;
  caches: Caches;
  /** Stored with each render; a parameter so that a test can change it between two attempts. */
  engineVersion: string;
  /** Hears what is left of each limit that an action took; the API prints it as headers. */
  onBudget(budget: Budget): void;
  /** Work that may go on after the answer; what it does must be allowed to be lost. */
  after(work: Promise<unknown>): void;
};

const caches = createCaches();
let parsed: { env: Env; settings: Settings } | undefined;

/** Parses variables and secrets once per isolate. Throws a SettingsError that names what is missing. */
export function settingsFrom(env: Env): Settings {
  if (parsed?.env !== env) parsed = { env, settings: parseSettings(env) };
  return parsed.settings;
}

export function depsFrom(env: Env, after: (work: Promise<unknown>) => void): Deps {
  return {
    db: env.DB,
    files: env.QUADLETS,
    backups: env.BACKUPS,
    users: env.USERS,
    manifests: env.MANIFESTS,
    secrets: env.SECRETS,
    renderQueue: env.RENDER_QUEUE as unknown as Queue<QueueMessage>,
    http: (input, init) => fetch(input, init),
    shield: env.SHIELD,
    clock: { now: () => new Date() },
    ids: { uuid: () => crypto.randomUUID() },
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    log: logTo((line) => console.log(line)),
    settings: settingsFrom(env),
    caches,
    engineVersion: ENGINE_VERSION,
    onBudget: () => {},
    after,
  };
}
