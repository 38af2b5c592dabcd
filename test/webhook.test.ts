import { sign } from "@octokit/webhooks-methods";
import examples from "@octokit/webhooks-examples" with { type: "json" };
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { syncRegistry } from "#registry/sync-registry.ts";
import { syncRepository } from "#registry/sync-repository.ts";
import { LIMITS } from "#core/limits.ts";
import { control } from "./upstream-control.ts";
import { world } from "./world.ts";

const SECRETS = ["the-current-webhook-secret", "the-former-webhook-secret"];
const samplesOf = (name: string) => examples.find((one) => one.name === name)!.examples as Record<string, unknown>[];
let deliveries = 0;

function receiver(repository = "Codertocat/Hello-World") {
  const w = world();
  w.clock.at = new Date();
  const settings = { PACK_REPOSITORIES: { [w.name]: repository }, GITHUB_WEBHOOK_SECRETS: SECRETS };
  w.deps.settings = { ...w.deps.settings, ...settings };
  type Sent = { event?: string; secret?: string; id?: string; signature?: string };
  const send = async (
    payload: object | string,
    { event = "release", secret = SECRETS[0]!, id, signature }: Sent = {},
  ) => {
    const body = typeof payload === "string" ? payload : JSON.stringify(payload);
    return w.request<{ outcome: string }>("POST", "/webhooks/github", {
      body,
      headers: {
        "x-github-event": event,
        "x-github-delivery": id ?? `delivery-${w.name}-${++deliveries}`,
        "x-hub-signature-256": signature ?? (body === "" ? "sha256=" : await sign(secret, body)),
      },
    });
  };
  const remembered = async () =>
    (await env.DB.prepare("SELECT COUNT(*) AS n FROM webhook_deliveries WHERE delivery_id LIKE ?")
      .bind(`delivery-${w.name}-%`)
      .first<{ n: number }>())!.n;
  return { w, send, remembered };
}

beforeEach(async () => {
  await control("clearFaults");
  await control("setRateLimit", { anonymous: 1_000_000 });
  await env.DB.prepare("DELETE FROM registry_repositories WHERE repository = 'Codertocat/Hello-World'").run();
});

describe("a delivery", () => {
  test.each(samplesOf("release").map((sample) => [String(sample["action"]), sample] as const))(
    "of GitHub's own sample `release` %s nudges",
    async (_, sample) => {
      const { w, send } = receiver();
      expect(await send(sample)).toMatchObject({ status: 202, body: { data: { outcome: "nudged" } } });
      await w.settle();
    },
  );

  test("of every sample of `ping` is taken, and asks GitHub nothing", async () => {
    const { send, remembered } = receiver();
    for (const sample of samplesOf("ping"))
      expect(await send(sample, { event: "ping" })).toMatchObject({
        status: 202,
        body: { data: { outcome: "ignored" } },
      });
    expect(await remembered()).toBe(samplesOf("ping").length);
  });

  test("of another event, or about another repository, is ignored", async () => {
    const { send } = receiver("somebody/else");
    const [sample] = samplesOf("release");
    expect((await send(sample!)).body.data.outcome).toBe("ignored");
    expect((await send(samplesOf("issues")[0]!, { event: "issues" })).body.data.outcome).toBe("ignored");
  });

  test("sent twice counts once", async () => {
    const { w, send, remembered } = receiver();
    const id = `delivery-${w.name}-same`;
    const outcomes = await Promise.all(
      [1, 2, 3].map(async () => (await send(samplesOf("release")[0]!, { id })).body.data.outcome),
    );
    await w.settle();
    expect(outcomes.toSorted()).toEqual(["nudged", "repeated", "repeated"]);
    expect(await remembered()).toBe(1);
  });

  test("counts under the former secret too, while GitHub is told of the new one", async () => {
    const { w, send } = receiver();
    expect((await send(samplesOf("release")[0]!, { secret: SECRETS[1]! })).status).toBe(202);
    await w.settle();
  });

  test.each<[string, { signature?: string; secret?: string }]>([
    ["another secret", { secret: "some-third-secret" }],
    ["no signature", { signature: "" }],
    ["a short one", { signature: "sha256=00" }],
    ["SHA-1", { signature: `sha1=${"0".repeat(40)}` }],
    ["capital digits", { signature: `sha256=${"A".repeat(64)}` }],
    ["zeroes", { signature: `sha256=${"0".repeat(64)}` }],
  ])("with %s is refused and leaves nothing", async (_, forged) => {
    const { w, send, remembered } = receiver();
    expect(await send(samplesOf("release")[0]!, forged)).toMatchObject({
      status: 401,
      body: { error: { code: "webhook_unsigned" } },
    });
    await w.settle();
    expect(await remembered()).toBe(0);
  });

  test("whose signature is of other bytes is refused, whichever bit differs", async () => {
    const { send } = receiver();
    const body = JSON.stringify({ action: "published", repository: { full_name: "Codertocat/Hello-World" } });
    const signature = await sign(SECRETS[0]!, body);
    await fc.assert(
      fc.asyncProperty(fc.nat(body.length - 1), fc.integer({ min: 1, max: 31 }), async (at, bits) => {
        const changed = body.slice(0, at) + String.fromCharCode(body.charCodeAt(at) ^ bits) + body.slice(at + 1);
        expect((await send(changed, { signature })).status).toBe(401);
      }),
      { numRuns: 60, seed: 5 },
    );
  });

  test("that is too large, no JSON, or without its headers is refused in words", async () => {
    const { send } = receiver();
    expect((await send(`"${"x".repeat(LIMITS.body_bytes_max.value)}"`)).status).toBe(413);
    expect((await send("not json")).body.error.code).toBe("body_not_json");
    expect((await send("[]")).body.error.code).toBe("body_not_json");
    expect((await send({}, { event: "" })).status).toBe(400);
    expect((await send("")).status).toBe(401);
  });

  test("is refused by a server that has no secret", async () => {
    const { w, send } = receiver();
    delete w.deps.settings.GITHUB_WEBHOOK_SECRETS;
    expect(await send({})).toMatchObject({ status: 409, body: { error: { code: "webhook_not_configured" } } });
  });

  test("whose sync failed is made good by the sweep after a pause, and forgotten after thirty days", async () => {
    const { w, send, remembered } = receiver("leger-run/leger-templates");
    await syncRepository(w.deps, { pack: w.name, repository: "leger-run/leger-templates" });
    w.clock.advance(60);
    const { http } = w.deps;
    w.deps.http = () => Promise.reject(new Error("the network is gone"));
    expect(
      (await send({ action: "released", repository: { full_name: "Leger-Run/leger-templates" } })).body.data.outcome,
    ).toBe("nudged");
    await w.settle();
    w.deps.http = http;
    const synced = () => w.lines.filter(({ event }) => event === "registry.synced").length;
    const before = synced();
    w.clock.advance(60);
    await w.sweep();
    expect(synced()).toBe(before);
    w.clock.advance(240);
    await w.sweep();
    expect(synced()).toBe(before + 1);
    w.clock.advance(60);
    await w.sweep();
    expect(synced()).toBe(before + 1);
    w.clock.advance(30 * 86_400 + 1);
    await syncRegistry(w.deps);
    expect(await remembered()).toBe(0);
  });
});

/** Two packs of a few lines, so that a run costs no more than its requests. */
const tiny = (text: string) => ({
  "schema.json": JSON.stringify({ type: "object", properties: { port: { type: "integer", default: 8080 } } }),
  "templates/web.container.j2": `[Container]\nImage=docker.io/library/caddy:${text}\nPublishPort={{ port }}:80\n`,
});

/**
 * Everything that the registry knows of a world's packs, with its audit rows and the packs themselves. Apart from what has to differ
 * between two worlds: instants, names of pack and repository, and what they are part of (addresses, commits, digests of packs).
 */
async function registryOf(pack: string, repository: string) {
  const all = async <T>(sql: string, ...values: string[]) =>
    (
      await env.DB.prepare(sql)
        .bind(...values)
        .all<T>()
    ).results;
  const neutral = (text: string) =>
    text
      .replaceAll(pack, "PACK")
      .replaceAll(repository, "REPOSITORY")
      .replaceAll(/\b[0-9a-f]{40}\b/g, "COMMIT");
  const rows = await all<Record<string, string | number | null>>(
    "SELECT * FROM schemas WHERE pack = ? ORDER BY version",
    pack,
  );
  const schemas = await Promise.all(
    rows.map(async ({ released_at: _r, fetched_at: _f, pack_digest, ...row }) => {
      const stored = await env.QUADLETS.get(`packs/${pack}/${row["version"]}/${pack_digest}.json`);
      return neutral(JSON.stringify({ ...row, stored: stored && (await stored.text()) }));
    }),
  );
  const audited = await all<{ action: string; target: string; actor: string }>(
    "SELECT action, target, actor FROM audit_log WHERE target LIKE ? ORDER BY target, seq",
    `schema:${pack}/%`,
  );
  const state = await all(
    "SELECT pending, not_before IS NULL AS is_free, lease_until, json_extract(last_outcome, '$.result') AS result FROM registry_repositories WHERE repository = ?",
    repository,
  );
  const fanouts = await all("SELECT schema_version, state FROM fanouts WHERE pack = ? ORDER BY schema_version", pack);
  return { schemas, audited: audited.map((row) => neutral(JSON.stringify(row))), state, fanouts };
}

test("deliveries lost, repeated, reordered and forged leave the registry of one that never receives any", async () => {
  const change = fc.constantFrom("publish", "remove", "again", "retag", "replace", "edit", "draft");
  const fate = fc.constantFrom("once", "twice", "lost", "forged", "late");
  const step = fc.record({ change, version: fc.integer({ min: 1, max: 3 }), fate });
  const [hearing, deaf] = [receiver(), receiver()];
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 4 }), async (steps) => {
      run++;
      const worlds = [hearing, deaf].map(({ w, send }, index) => {
        const [pack, repository] = [`${w.name}-${run}`, `tests/webhooks-${w.name}-${run}`];
        w.deps.settings.PACK_REPOSITORIES = { [pack]: repository };
        return { w, send, pack, repository, hears: index === 0 };
      });
      const late: (() => Promise<unknown>)[] = [];
      for (const { repository } of worlds) {
        await control("addRepository", { fullName: repository });
        await control("publishRelease", { repository, tag: "v1.0.0", files: tiny("1.0") });
      }
      for (const [n, { change: kind, version, fate: fated }] of steps.entries()) {
        for (const { w, send, pack, repository, hears } of worlds) {
          await changeRelease({ repository, kind, tag: `v1.0.${version}`, text: `1.${version}.${n}` });
          const payload = {
            action: "published",
            repository: { full_name: repository },
            release: { tag_name: "v9.9.9" },
          };
          const id = `delivery-${w.name}-${++deliveries}`;
          const deliver = () =>
            send(payload, { id, ...(fated === "forged" && { secret: "a-secret-that-is-not-ours" }) });
          if (hears && fated === "late") late.unshift(deliver);
          else if (hears && fated !== "lost") await deliver();
          if (hears && fated === "twice") await deliver();
          if (hears) await w.settle();
          // the hour passes in both worlds, and no release comes and goes between two hours unseen by one of them
          w.clock.advance(24 * 3600);
          await syncRepository(w.deps, { pack, repository });
          await w.announce();
        }
      }
      for (const deliver of late) await deliver();
      await hearing.w.settle();
      for (const { w, pack, repository } of worlds) {
        w.clock.advance(24 * 3600);
        await syncRepository(w.deps, { pack, repository });
        await w.announce();
      }
      const [heard, unheard] = await Promise.all(worlds.map(({ pack, repository }) => registryOf(pack, repository)));
      expect(heard).toEqual(unheard);
      expect(heard!.schemas.length).toBeGreaterThan(0);
    }),
    { numRuns: 15, seed: 9 },
  );
});

/** What cannot be done to a release as it is (a second one of its tag, say) leaves it: the same in both worlds. */
async function changeRelease(of: { repository: string; kind: string; tag: string; text: string }): Promise<void> {
  const { repository, kind, tag, text } = of;
  const about = { repository, release: tag };
  const calls: Record<string, () => Promise<unknown>> = {
    publish: () => control("publishRelease", { repository, tag, files: tiny(text) }),
    remove: () => control("removeRelease", about),
    again: () => control("publishRelease", { repository, tag, files: tiny("1.0") }),
    retag: () => control("retagRelease", { ...about, files: tiny(text) }),
    replace: () => control("replaceAsset", { ...about, files: tiny(text) }),
    edit: () => control("editRelease", { ...about, body: text }),
    draft: () => control("editRelease", { ...about, draft: true }),
  };
  await calls[kind]?.().catch(() => undefined);
}
