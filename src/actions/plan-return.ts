import type { PlannedVersion } from "#actions/commit-planned.ts";
import { type PlannedSave, summaryWithInputs } from "#actions/plan-save.ts";
import { prepareSave } from "#actions/prepare-save.ts";
import { AppError } from "#core/errors.ts";
import { canonicalJson } from "#core/json.ts";
import { isPodmanWithin } from "#core/names.ts";
import { UploadContent, summariseUpload } from "#core/upload.ts";
import type { Deps } from "#deps.ts";
import type { ReadySchema } from "#registry/caches.ts";
import { loadSchema } from "#registry/load-schema.ts";
import type { Configuration } from "#store/configuration-store.ts";
import type { Version } from "#store/version-store.ts";

/**
 * The plan of going back to the content of an older version, under that version's own schema version: also one that was
 * withdrawn since, because it is what ran. Refused where a decision that cannot change would, and for what was erased.
 */
export async function planReturn(
  deps: Deps,
  configuration: Configuration,
  { target, origin }: { target: Version; origin: "rollback" | "restore" },
): Promise<PlannedReturn> {
  const { pack, schema_version } = target;
  if (target.purged_at !== null) throw AppError.of("version_purged", { version: target.version });
  if (pack === null || schema_version === null)
    return { kind: "upload", planned: planUploadReturn(configuration, target, origin) };
  const schema = await loadSchema(deps, pack, schema_version);
  if (!schema) throw AppError.of("schema_version_unknown", { pack, version: schema_version, known: "" });
  const parentSchema = await parentSchemaOf(deps, configuration);
  const prepared = prepareSave(schema, {
    configData: target.config_data,
    namespace: configuration.namespace,
    parent: parentSchema && { configData: configuration.configData, schema: parentSchema.schema },
    allowDeprecated: true, // it was set before it was deprecated, or on purpose
  });
  const podmanTarget = lowerTarget(schema, target.podman_target, configuration.podmanTarget);
  const isSameSchema = schema.version === configuration.schemaVersion && schema.pack === configuration.pack;
  const isEqual =
    prepared.text === canonicalJson(configuration.configData) &&
    isSameSchema &&
    podmanTarget === configuration.podmanTarget;
  const words = summaryWithInputs(prepared, { schema, podmanTarget, configuration });
  const summary = told(words, { target, origin });
  return {
    kind: "decisions",
    planned: { schema, podmanTarget, prepared, origin, summary, isEqual: origin === "rollback" && isEqual },
  };
}

/** Going back to decisions, which are rendered again, or to files that were uploaded, which are shipped again. */
export type PlannedReturn =
  | { kind: "decisions"; planned: PlannedSave }
  | { kind: "upload"; planned: PlannedVersion & { upload: UploadContent } };
type Target = { target: Version; origin: "rollback" | "restore" };

function told(words: string, { target, origin }: Target): string {
  const verb = origin === "rollback" ? `Rolled back to version ${target.version}` : "Restored";
  return words === "" ? verb : `${verb}: ${words}`;
}

function planUploadReturn(
  configuration: Configuration,
  target: Version,
  origin: Target["origin"],
): PlannedVersion & { upload: UploadContent } {
  const upload = UploadContent.parse(target.config_data);
  const podmanTarget = isPodmanWithin(configuration.podmanTarget, { min: "0.0", max: target.podman_target })
    ? configuration.podmanTarget
    : target.podman_target;
  const configData = canonicalJson(target.config_data);
  const isSame = configuration.pack === null && configData === canonicalJson(configuration.configData);
  const before = configuration.pack === null ? UploadContent.parse(configuration.configData) : null;
  return {
    pack: null,
    schemaVersion: null,
    podmanTarget,
    configData,
    origin,
    summary: told(isSame ? "" : summariseUpload(before, upload), { target, origin }),
    isEqual: origin === "rollback" && isSame && podmanTarget === configuration.podmanTarget,
    pruned: [],
    warnings: [],
    upload,
  };
}

async function parentSchemaOf(deps: Deps, { pack, schemaVersion }: Configuration): Promise<ReadySchema | null> {
  return pack === null || schemaVersion === null ? null : loadSchema(deps, pack, schemaVersion);
}

/** The target may have been lowered since for a device with an older Podman, which is no less old after a rollback. */
function lowerTarget(schema: ReadySchema, then: string, now: string): string {
  const isLower = isPodmanWithin(now, { min: "0.0", max: then });
  return isLower && isPodmanWithin(now, schema.podman) ? now : then;
}
