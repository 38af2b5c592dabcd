import { env } from "cloudflare:workers";
import { mintToken } from "#core/token.ts";
import type { TokenScope } from "#core/permissions.ts";
import { SMALL_PACK } from "../fixture-packs.ts";
import { world } from "../world.ts";

/** Values of the owner's that nobody else may ever be answered. */
const CANARIES = ["greeting", "secret", "description", "hostname"] as const;

export type Site = Awaited<ReturnType<typeof makeSite>>;

/**
 * A workspace with one of everything: `site` (versions 1 and 2, rendered), `gone` (3, deleted by 4), `purged` (5, 6),
 * `broken` (7, failed), secrets `kept` and `gone`, generators alive and deleted, a described device. Canaries stand in it
 * wherever a person can write, and every actor that may or may not see them is there with a token.
 */
export async function makeSite() {
  const w = world();
  const owner = await w.tenant();
  const stranger = await w.tenant(`${w.name}-stranger@example.com`);
  const { slug } = await w.admit(SMALL_PACK);
  const canary = Object.fromEntries(CANARIES.map((name) => [name, `canary-${name}-${crypto.randomUUID()}`])) as Record<
    (typeof CANARIES)[number],
    string
  >;
  const { token } = owner;
  const any = { "if-match": "*" };
  const must = async <T = unknown>(method: string, path: string, more: object = {}) => {
    const answer = await w.request<T>(method, path, { token, ...more });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body.data;
  };
  const data = (more: object = {}) => ({ web: { port: 80, greeting: canary.greeting }, ...more });
  const create = (name: string, more: object = {}) =>
    must("POST", "/configurations", { body: { deployment_name: name, pack: slug, config_data: data(more) } });

  await create("site");
  await must("PUT", "/configurations/site", {
    headers: any,
    body: { config_data: { web: { port: 81, greeting: canary.greeting } } },
  });
  for (const name of ["gone", "purged"]) {
    await create(name);
    await must("DELETE", `/configurations/${name}`, { headers: any });
  }
  await create("broken", { break_it: true });
  const purged = await must<{ config_id: string }>("POST", "/configurations/purged/purge", {
    body: { confirm: "purged" },
  });
  await w.deliver();
  for (const name of ["kept", "gone"]) await must("POST", "/secrets/set", { body: { name, value: canary.secret } });
  await must("DELETE", "/secrets/gone");
  await must("PUT", "/devices/d1", { body: { hostname: canary.hostname.slice(0, 60) } });
  const generator = async (name: string, more: object = {}) =>
    must<{ generator: { id: string }; token: string }>("POST", "/generators", {
      body: { name, description: canary.description, scopes: ["config:read"], ...more },
    });
  const alive = await generator("alive");
  const deleted = await generator("deleted");
  await must("DELETE", `/generators/${deleted.generator.id}`);
  const elsewhere = await generator("elsewhere", {
    scopes: ["config:read", "config:write"],
    namespaces: ["/elsewhere"],
  });
  await w.tenant(owner.login, "laptop");
  const { sessions } = await must<{ sessions: { id: string; device_id: string }[] }>("GET", "/auth/sessions");
  const manifest = await env.DB.prepare(
    "SELECT manifest_checksum FROM rendered_quadlets WHERE workspace_id = ? AND version = 2",
  )
    .bind(owner.id)
    .first<string>("manifest_checksum");

  return {
    w,
    slug,
    owner,
    stranger,
    canaries: [canary.greeting, canary.secret, canary.description, canary.hostname.slice(0, 60)],
    generatorId: alive.generator.id,
    deletedGeneratorId: deleted.generator.id,
    purgedId: purged.config_id,
    sessionId: sessions.find(({ device_id }) => device_id === "laptop")?.id ?? "",
    manifest,
    tokens: {
      stranger: stranger.token,
      legerd: await scoped(w, owner.id, "legerd"),
      revoked: await revoked(w, owner.id),
      generator: elsewhere.token,
    },
  };
}

const contextOf = (w: ReturnType<typeof world>, now = w.clock.now()) => ({
  keys: w.deps.settings.TOKEN_SIGNING_KEYS,
  issuer: w.deps.settings.TOKEN_ISSUER,
  now,
});

const scoped = (w: ReturnType<typeof world>, sub: string, scope: TokenScope) =>
  mintToken(contextOf(w), { sub, dev: "d1", te: 0, ue: 0, scope, jti: crypto.randomUUID() });

/** Of the owner's account, whose device is not the one that the token was made for any more. */
async function revoked(w: ReturnType<typeof world>, sub: string): Promise<string> {
  return mintToken(contextOf(w), { sub, dev: "d1", te: 7, ue: 0, scope: "cli", jti: crypto.randomUUID() });
}

/** A token that was good 31 days ago. */
export const expired = (w: ReturnType<typeof world>, sub: string) =>
  mintToken(contextOf(w, new Date(w.clock.now().getTime() - 31 * 86_400_000)), {
    sub,
    dev: "d1",
    te: 0,
    ue: 0,
    scope: "cli",
    jti: crypto.randomUUID(),
  });
