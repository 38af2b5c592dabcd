// first: the API extends zod before any schema is made
import product from "#index.ts";
import { ENCRYPTION_VERSION, NONCE_BYTES, openValue, sealValue, unwrapKey } from "#core/envelope.ts";
import { Secret } from "#core/secret.ts";
import { printValue } from "#core/secret-value.ts";
import { type Deps, depsFrom } from "#deps.ts";
import { dataKeyStore } from "#store/data-key-store.ts";
import { secretKey } from "#store/secret-copy.ts";
import { seededValue, type StoredValue } from "../seeded-secrets.ts";

/**
 * The worker of the rotation's kill test: the product, and beside it two routes that its API cannot do. `seed` stores many
 * secrets at once, sealed as a set seals them; `read` opens a page of what is stored. Never part of the product's build.
 */
export default {
  ...product,
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    const number = (name: string) => Number(url.searchParams.get(name) ?? "0");
    const workspaceId = url.searchParams.get("workspace") ?? "";
    const deps = depsFrom(env, (work) => ctx.waitUntil(work));
    switch (url.pathname) {
      case "/__rotate/seed":
        await seed(deps, { workspaceId, from: number("from"), count: number("count") });
        return new Response("seeded");
      case "/__rotate/read":
        return Response.json(await read(deps, { workspaceId, after: url.searchParams.get("after") ?? "" }));
      case "/__rotate/copies":
        return Response.json(await copiesByKey(env, workspaceId));
      default:
        return product.fetch(request, env, ctx);
    }
  },
} satisfies ExportedHandler<Env>;

async function seed(
  deps: Deps,
  { workspaceId, from, count }: { workspaceId: string; from: number; count: number },
): Promise<void> {
  const { db, ids, random, settings } = deps;
  const rows = await dataKeyStore.selectCurrent.all(db, { workspace_id: workspaceId });
  const row = rows.find(({ purpose }) => purpose === "encrypt");
  const address = { workspaceId, keyId: row?.id ?? "", purpose: "encrypt" as const };
  const key = row && (await unwrapKey(settings.SECRET_KEY_RING, row, address));
  if (!row || !key?.ok) throw new Error("the workspace has no key to seed under");
  const sealed = [];
  for (let n = from; n < from + count; n++) {
    const name = `s${n}`;
    const value = Secret.ofText(seededValue(n));
    const of = { workspaceId, name, version: 1, dataKeyId: row.id };
    const parts = await sealValue(key.value, { value, nonce: random(NONCE_BYTES), address: of });
    sealed.push({ ...parts, id: ids.uuid(), version_id: ids.uuid(), name, size: value.sizeBytes });
  }
  const at = "2026-01-01T00:00:00.000Z";
  const list = JSON.stringify(sealed);
  await db.batch([
    db
      .prepare(
        `INSERT INTO secrets (id, workspace_id, name, version, size_bytes, created_at, updated_at, change_id, copied_change_id)
         SELECT j.value ->> 'id', ?1, j.value ->> 'name', 1, j.value ->> 'size', ?2, ?2, 'seed', 'seed' FROM json_each(?3) j`,
      )
      .bind(workspaceId, at, list),
    db
      .prepare(
        `INSERT INTO secret_versions (id, secret_id, workspace_id, version, encryption_version, data_key_id,
           encrypted_value, nonce, auth_tag, size_bytes, is_first, created_at, created_by)
         SELECT j.value ->> 'version_id', j.value ->> 'id', ?1, 1, ${ENCRYPTION_VERSION}, ?4, j.value ->> 'encrypted_value',
           j.value ->> 'nonce', j.value ->> 'auth_tag', j.value ->> 'size', 1, ?2, 'seed' FROM json_each(?3) j`,
      )
      .bind(workspaceId, at, list, row.id),
  ]);
}

const PAGE = 500;
type SealedRow = Parameters<typeof openValue>[1] & { name: string; version: number; data_key_id: string };

async function read(
  { db, settings }: Deps,
  { workspaceId, after }: { workspaceId: string; after: string },
): Promise<StoredValue[]> {
  const { results } = await db
    .prepare(
      `SELECT s.name, v.version, v.data_key_id, v.encrypted_value, v.nonce, v.auth_tag
       FROM secrets s JOIN secret_versions v ON v.secret_id = s.id AND v.version = s.version
       WHERE s.workspace_id = ?1 AND s.name > ?2 ORDER BY s.name LIMIT ${PAGE}`,
    )
    .bind(workspaceId, after)
    .all<SealedRow>();
  const values: StoredValue[] = [];
  const keys = new Map<string, { kid: string; key: Secret | null }>();
  for (const row of results) {
    if (!keys.has(row.data_key_id)) {
      const stored = await dataKeyStore.selectOne.first(db, { workspace_id: workspaceId, id: row.data_key_id });
      const address = { workspaceId, keyId: row.data_key_id, purpose: "encrypt" as const };
      const key = stored && (await unwrapKey(settings.SECRET_KEY_RING, stored, address));
      keys.set(row.data_key_id, { kid: stored?.kid ?? "", key: key?.ok ? key.value : null });
    }
    const { kid = "", key = null } = keys.get(row.data_key_id) ?? {};
    const address = { workspaceId, name: row.name, version: row.version, dataKeyId: row.data_key_id };
    const value = key && (await openValue(key, row, address));
    const text = value?.ok ? printValue(value.value, "utf8") : null;
    values.push({ name: row.name, version: row.version, value: text, data_key_id: row.data_key_id, kid });
  }
  return values;
}

/** How many records in KV are under which data key, by their metadata. */
async function copiesByKey(env: Env, workspaceId: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let cursor: string | undefined;
  do {
    const page: KVNamespaceListResult<{ data_key_id: string }> = await env.SECRETS.list({
      prefix: secretKey(workspaceId, ""),
      ...(cursor !== undefined && { cursor }),
    });
    for (const { metadata } of page.keys) {
      const id = metadata?.data_key_id ?? "";
      counts[id] = (counts[id] ?? 0) + 1;
    }
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor !== undefined);
  return counts;
}
