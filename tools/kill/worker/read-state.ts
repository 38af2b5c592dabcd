import { sha256Hex } from "#core/digest.ts";
import type { DeploymentState, StoredObject } from "../deployment-state.ts";

/** Everything that storage holds of one deployment, read past the held bindings. */
export async function readState(env: Env, deploymentName: string): Promise<DeploymentState> {
  const rows = async <T>(sql: string) => (await env.DB.prepare(sql).bind(deploymentName).all<T>()).results;
  const ids = "(SELECT id FROM configurations WHERE deployment_name = ?1)";
  const versions = await rows<DeploymentState["versions"][number]>(
    `SELECT id, workspace_id, version FROM configuration_versions WHERE config_id IN ${ids} ORDER BY version`,
  );
  const objects: StoredObject[] = [];
  for (const { workspace_id, version } of versions)
    objects.push(...(await readObjects(env.QUADLETS, `${workspace_id}/v${version}/`)));
  const records = await Promise.all(
    versions.map(({ workspace_id, version }) => env.MANIFESTS.get(`manifest:${workspace_id}:v${version}`)),
  );
  return {
    configurations: (await rows(`SELECT id FROM configurations WHERE deployment_name = ?1`)).length,
    versions,
    jobs: await rows(
      `SELECT state, attempts, faults, json_extract(failure, '$.code') AS failure FROM render_jobs WHERE config_id IN ${ids}`,
    ),
    renders: await rows(
      `SELECT version, manifest_checksum, file_count, deleted FROM rendered_quadlets WHERE config_id IN ${ids}`,
    ),
    heads: await rows(`SELECT version, manifest_checksum FROM deployment_heads WHERE config_id IN ${ids}`),
    audited: (
      await rows<{ action: string }>(
        `SELECT action FROM audit_log WHERE target IN (SELECT 'configuration:' || id FROM configurations WHERE deployment_name = ?1) ORDER BY seq`,
      )
    ).map(({ action }) => action),
    keys: (
      await rows(
        `SELECT key FROM idempotency_keys WHERE resource_id IN (SELECT id FROM configuration_versions WHERE config_id IN ${ids})`,
      )
    ).length,
    objects,
    cachedManifests: records.filter((record) => record !== null).length,
  };
}

async function readObjects(bucket: R2Bucket, prefix: string): Promise<StoredObject[]> {
  const { objects } = await bucket.list({ prefix });
  return Promise.all(
    objects.map(async ({ key, etag }) => {
      const object = await bucket.get(key);
      if (!object) throw new Error(`${key} was listed and is gone`);
      const bytes = new Uint8Array(await object.arrayBuffer());
      const filename = key.slice(prefix.length);
      return {
        filename,
        etag,
        sha256: await sha256Hex(bytes),
        size: bytes.byteLength,
        text: new TextDecoder().decode(bytes),
      };
    }),
  );
}
