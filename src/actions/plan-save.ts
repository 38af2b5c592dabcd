import { checkPodmanTarget, chooseSchema } from "#actions/choose-schema.ts";
import { type PreparedSave, prepareSave } from "#actions/prepare-save.ts";
import { AppError } from "#core/errors.ts";
import { type JsonObject, canonicalJson } from "#core/json.ts";
import { PODMAN_TARGET_DEFAULT } from "#core/names.ts";
import type { Deps } from "#deps.ts";
import type { ReadySchema } from "#registry/caches.ts";
import { loadSchema } from "#registry/load-schema.ts";
import type { Configuration } from "#store/configuration-store.ts";
import { type SchemaSummaryRow, schemaStore } from "#store/schema-store.ts";

/** What somebody wants to save to a deployment that exists. */
export type SaveConfiguration = {
  config_data: JsonObject;
  schema_version?: string | undefined;
  podman_target?: string | undefined;
  allow_deprecated?: boolean | undefined;
};

/** What a first save may also say. */
export type FirstSave = SaveConfiguration & { namespace: string; pack: string; schema_range?: string | undefined };

/** All that a save decides before it writes. Preview ends here, a save goes on to commit: what one shows the other does. */
export type PlannedSave = {
  schema: ReadySchema;
  podmanTarget: string;
  prepared: PreparedSave;
  origin: "save" | "schema_upgrade" | "rollback" | "restore";
  summary: string;
  /** Equal to the newest version in all that is rendered: saving makes no version. */
  isEqual: boolean;
};

/** Throws the refusals of a save: schema unknown, decisions invalid, target out of range. */
export async function planFirstSave(
  deps: Deps,
  candidates: SchemaSummaryRow[],
  input: FirstSave,
): Promise<PlannedSave> {
  const wish = { pack: input.pack, version: input.schema_version, range: input.schema_range ?? "*" };
  const schema = await chooseSchema(deps, candidates, wish);
  const podmanTarget = input.podman_target ?? PODMAN_TARGET_DEFAULT;
  checkPodmanTarget(schema, podmanTarget);
  const prepared = prepareSave(schema, {
    configData: input.config_data,
    namespace: input.namespace,
    parent: null,
    allowDeprecated: input.allow_deprecated ?? false,
  });
  return { schema, podmanTarget, prepared, origin: "save", summary: prepared.summary, isEqual: false };
}

/** As `planFirstSave`, against the newest version of a deployment. The schema version stays unless another is asked for. */
export async function planNextSave(
  deps: Deps,
  configuration: Configuration,
  input: SaveConfiguration,
): Promise<PlannedSave> {
  return planBetween(configuration, input, await schemasOf(deps, configuration, input.schema_version));
}

/** As `planNextSave`, to a schema version that the caller has at hand; the registry need not know it. */
export async function planMove(
  deps: Deps,
  configuration: Configuration,
  { schema, ...input }: Omit<SaveConfiguration, "schema_version"> & { schema: ReadySchema },
): Promise<PlannedSave> {
  const { schema: parentSchema } = await schemasOf(deps, configuration, undefined);
  return planBetween(configuration, input, { schema, parentSchema });
}

type Schemas = { schema: ReadySchema; parentSchema: ReadySchema };

function planBetween(
  configuration: Configuration,
  input: Omit<SaveConfiguration, "schema_version">,
  { schema, parentSchema }: Schemas,
): PlannedSave {
  const podmanTarget = input.podman_target ?? configuration.podmanTarget;
  checkPodmanTarget(schema, podmanTarget);
  const prepared = prepareSave(schema, {
    configData: input.config_data,
    namespace: configuration.namespace,
    parent: { configData: configuration.configData, schema: parentSchema.schema },
    allowDeprecated: input.allow_deprecated ?? false,
  });
  const isSameSchema = schema.version === configuration.schemaVersion && schema.pack === configuration.pack;
  return {
    schema,
    podmanTarget,
    prepared,
    origin: isSameSchema ? "save" : "schema_upgrade",
    summary: summaryWithInputs(prepared, { schema, podmanTarget, configuration }),
    isEqual:
      prepared.text === canonicalJson(configuration.configData) &&
      isSameSchema &&
      podmanTarget === configuration.podmanTarget,
  };
}

async function schemasOf(deps: Deps, configuration: Configuration, wished: string | undefined): Promise<Schemas> {
  const { pack, schemaVersion } = configuration;
  if (pack === null || schemaVersion === null)
    throw AppError.of("configuration_uploaded", { name: configuration.deploymentName });
  const parentSchema = await loadSchema(deps, pack, schemaVersion);
  if (!parentSchema) throw AppError.of("schema_version_unknown", { pack, version: schemaVersion, known: "" });
  if (wished === undefined || wished === schemaVersion) return { schema: parentSchema, parentSchema };
  const candidates = await schemaStore.selectCandidates.all(deps.db, { pack });
  const wish = { pack, version: wished, range: configuration.schemaRange };
  return { schema: await chooseSchema(deps, candidates, wish), parentSchema };
}

/** The summary of the decisions, and the other inputs of a render where they change. */
export function summaryWithInputs(
  prepared: Pick<PreparedSave, "changes" | "summary">,
  next: { schema: { version: string }; podmanTarget: string; configuration: Configuration },
): string {
  const { schema, podmanTarget, configuration } = next;
  const parts = prepared.changes.length > 0 ? [prepared.summary] : [];
  if (schema.version !== configuration.schemaVersion)
    parts.push(`Schema: ${configuration.schemaVersion ?? "upload"} -> ${schema.version}`);
  if (podmanTarget !== configuration.podmanTarget)
    parts.push(`Podman: ${configuration.podmanTarget} -> ${podmanTarget}`);
  return parts.join("; ");
}
