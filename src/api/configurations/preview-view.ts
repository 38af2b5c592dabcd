import type { Preview } from "#actions/preview-save.ts";

/** A preview as the API shows it: texts are the masked ones. */
export const previewView = ({ planned, comparison, files, ...preview }: Preview) => ({
  against: preview.against,
  unchanged: planned.isEqual,
  origin: planned.origin,
  changes_summary: planned.summary,
  pack: planned.pack,
  schema_version: planned.schemaVersion,
  podman_target: planned.podmanTarget,
  pruned: planned.pruned,
  warnings: planned.warnings,
  effective: preview.effective,
  changes: preview.changes,
  render: { state: files === null ? ("failed" as const) : ("rendered" as const), findings: [...preview.findings] },
  files:
    files?.map(({ filename, type, size, sha256, shown, isMasked }) => ({
      filename,
      type,
      size,
      sha256,
      text: shown,
      is_masked: isMasked,
    })) ?? null,
  secrets: preview.secrets.map(({ name, isStored }) => ({ name, is_stored: isStored })),
  diff: comparison && diffView(comparison),
  plan: comparison && comparison.plan,
});

export const diffView = ({ files }: NonNullable<Preview["comparison"]>) =>
  files.map(({ origins, ...file }) => ({
    ...file,
    origins: origins.map(({ places, values, conditions, ...at }) => ({
      ...at,
      places: [...places],
      values: [...values],
      conditions: [...conditions],
    })),
  }));
