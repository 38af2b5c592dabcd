import type { Version } from "#store/version-store.ts";

type RenderState = "queued" | "rendering" | "rendered" | "failed" | "deleted";

/** A version as the API shows it. */
export function versionView(version: Version) {
  const state = version.deleted === 1 ? "deleted" : ((version.job_state ?? "queued") as RenderState);
  return {
    version: version.version,
    epoch: version.epoch,
    config_id: version.config_id,
    name: version.deployment_name,
    namespace: version.namespace,
    config_data: version.config_data,
    pack: version.pack,
    schema_version: version.schema_version,
    podman_target: version.podman_target,
    parent_version: version.parent_version,
    origin: version.origin,
    changes_summary: version.changes_summary,
    created_by: version.created_by,
    author: version.author,
    created_at: version.created_at,
    purged_at: version.purged_at,
    render: {
      state,
      manifest_sha256: version.manifest_checksum,
      file_count: version.file_count,
      total_size_bytes: version.total_size_bytes,
      engine_version: version.engine_version,
      rendered_at: version.rendered_at,
    },
  };
}
