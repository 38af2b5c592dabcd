import { type Comparison, compareRenders } from "#actions/compare-renders.ts";
import { type PlannedVersion, asVersion } from "#actions/commit-planned.ts";
import { type PlannedSave, type SaveConfiguration, planFirstSave, planNextSave } from "#actions/plan-save.ts";
import { readAs, requireNamespace } from "#actions/read-as.ts";
import type { Name } from "#actions/read-configurations.ts";
import { readShownRender } from "#actions/read-shown-render.ts";
import { type FileToShow, type ShownFile, type ShownRender, showRender } from "#actions/shown-render.ts";
import { type DecisionChange, decisionChanges } from "#core/changes.ts";
import { AppError } from "#core/errors.ts";
import type { Finding } from "#core/finding.ts";
import type { JsonObject } from "#core/json.ts";
import { type Mask, maskValues, workspaceMask } from "#core/mask.ts";
import type { Caller } from "#core/principal.ts";
import { ok } from "#core/result.ts";
import type { Deps } from "#deps.ts";
import type { ReadyPack } from "#registry/caches.ts";
import { loadPack } from "#registry/load-pack.ts";
import { loadSchema } from "#registry/load-schema.ts";
import type { UnitGraph } from "#quadlet/unit-graph.ts";
import { renderSubject } from "#registry/make-render.ts";
import { type Configuration, configurationStore } from "#store/configuration-store.ts";
import { secretStore } from "#store/secret-store.ts";
import { type SchemaSummaryRow, schemaStore } from "#store/schema-store.ts";
import { type Version, versionStore } from "#store/version-store.ts";

/** What a preview asks: a save, and for a name that does not exist yet also the pack. */
export type PreviewInput = SaveConfiguration & { pack?: string | undefined; schema_range?: string | undefined };

export type Preview = {
  /** The version that everything is compared with: what devices run. Null where there is none. */
  against: number | null;
  planned: PlannedVersion;
  /** Effective decisions, marked ones masked; empty for an upload. */
  effective: JsonObject;
  changes: DecisionChange[];
  findings: readonly Finding[];
  /** Null where the render is refused; `findings` say why. */
  files: ShownFile[] | null;
  /** What the units name, and whether it is stored now. */
  secrets: PreviewedSecret[];
  comparison: Comparison | null;
};

const PACK_DEFAULT = "leger";

/**
 * Everything that a save would do, in memory, and nothing stored: refused as the save would be, rendered by the same code as
 * its job, compared with what devices run. Reads D1 three times, the pack, and those files of the head that would change.
 */
export async function previewSave(
  deps: Deps,
  caller: Caller,
  { name, input }: { name: Name; input: PreviewInput },
): Promise<Preview> {
  const { db } = deps;
  const pack = input.pack ?? PACK_DEFAULT;
  const { principal, results } = await readAs(deps, { caller, permission: "config:write" }, [
    configurationStore.selectByName.bind(db, { workspace_id: caller.workspaceId, ...name }),
    schemaStore.selectCandidates.bind(db, { pack }),
  ]);
  requireNamespace(principal, name.namespace);
  const row = configurationStore.selectByName.rows(results[0])[0];
  const configuration = row ? configurationStore.fromRow(row) : null;
  if (configuration && input.pack !== undefined && input.pack !== configuration.pack)
    throw AppError.of("pack_fixed", { name: name.deployment_name, pack: configuration.pack ?? "an upload" });
  const planned = configuration
    ? await planNextSave(deps, configuration, input)
    : await planFirstSave(deps, schemaStore.selectCandidates.rows(results[1]), {
        ...input,
        pack,
        namespace: name.namespace,
      });
  return previewPlanned(deps, { workspaceId: caller.workspaceId, name, configuration, planned });
}

type ToPreview = {
  workspaceId: string;
  name: Name;
  configuration: Configuration | null;
  planned: PlannedSave;
  /** Where the caller has it at hand: the registry need not know it. */
  pack?: ReadyPack;
};

/** The second half of a preview: of a save, of a rollback, or of a move to another schema version. */
export async function previewPlanned(deps: Deps, of: ToPreview): Promise<Preview> {
  const { workspaceId, name, configuration, planned } = of;
  const { pack, version } = planned.schema;
  const mask = await workspaceMask(deps.settings.LINK_SIGNING_KEY, workspaceId);
  const { schema, head, headSchema } = await readSides(deps, {
    workspaceId,
    pack,
    version,
    headVersion: configuration?.headVersion ?? null,
  });
  const loaded = of.pack ? ok(of.pack) : await loadTarget(deps, planned, schema);
  const subject = {
    configData: planned.prepared.saved,
    deploymentName: name.deployment_name,
    podmanTarget: planned.podmanTarget,
  };
  const rendered = loaded.ok ? await renderSubject(loaded.value, subject) : loaded;
  const base = {
    against: head?.version ?? null,
    planned: asVersion(planned),
    effective: await maskedEffective(planned, mask),
    changes: await changesSince(deps, planned, head),
  };
  if (!loaded.ok || !rendered.ok) {
    const findings = loaded.ok ? (rendered.ok ? [] : rendered.error) : loaded.error;
    return { ...base, findings, files: null, secrets: [], comparison: null };
  }
  const { files, graph, warnings } = rendered.value;
  const next = await showRender(files, {
    madeFrom: { pack: loaded.value, subject },
    podmanTarget: planned.podmanTarget,
    mask,
  });
  const old = head ? await readHead(deps, { head, schema: headSchema, mask, files }) : null;
  return {
    ...base,
    findings: warnings,
    files: next.files,
    secrets: await secretsOf(deps, workspaceId, graph),
    comparison: compareRenders(old, next),
  };
}

function loadTarget(deps: Deps, { schema }: PlannedSave, row: SchemaSummaryRow | undefined) {
  const { pack, version } = schema;
  if (!row) throw AppError.of("schema_version_unknown", { pack, version, known: "" });
  return loadPack(deps, row);
}

type Sides = { schema: SchemaSummaryRow | undefined; head: Version | null; headSchema: SchemaSummaryRow | undefined };

/** One round trip: the schema version that would render, and the head with its own. */
async function readSides(
  { db }: Deps,
  of: { workspaceId: string; pack: string; version: string; headVersion: number | null },
): Promise<Sides> {
  const head = { workspace_id: of.workspaceId, version: of.headVersion ?? 0 };
  const results = await db.batch([
    schemaStore.selectOne.bind(db, { pack: of.pack, version: of.version }),
    versionStore.selectByNumber.bind(db, head),
    schemaStore.selectOfVersion.bind(db, head),
  ]);
  const schema = schemaStore.selectOne.rows(results[0])[0];
  const row = versionStore.selectByNumber.rows(results[1])[0];
  return {
    schema,
    head: row && row.deleted !== 1 ? versionStore.fromRow(row) : null,
    headSchema: schemaStore.selectOfVersion.rows(results[2])[0],
  };
}

export type PreviewedSecret = { name: string; isStored: boolean };

/** The secrets that units name, and which of them are in the store of secrets. */
export async function secretsOf(deps: Deps, workspaceId: string, graph: UnitGraph): Promise<PreviewedSecret[]> {
  const names = [...new Set(graph.secrets.map((secret) => secret.name))].toSorted();
  if (names.length === 0) return [];
  const of = { workspace_id: workspaceId, names: JSON.stringify(names) };
  const stored = new Set((await secretStore.selectStored.all(deps.db, of)).map(({ name }) => name));
  return names.map((name) => ({ name, isStored: stored.has(name) }));
}

/** The head's files; those that the new render ships too are not read again. */
export function readHead(
  deps: Deps,
  of: { head: Version; schema: SchemaSummaryRow | undefined; mask: Mask; files: readonly FileToShow[] },
): Promise<ShownRender> {
  const known = new Map(of.files.map(({ sha256, bytes }) => [sha256, bytes]));
  return readShownRender(deps, { version: of.head, schema: of.schema, mask: of.mask, known });
}

async function maskedEffective({ prepared }: PlannedSave, mask: Mask): Promise<JsonObject> {
  return maskValues(prepared.effective, [...prepared.marks.sensitive, ...prepared.marks.secretRefs], mask);
}

/** Decisions that differ from those of the head, which may be older than the newest version; an upload has none. */
async function changesSince(deps: Deps, planned: PlannedSave, head: Version | null): Promise<DecisionChange[]> {
  const { schema } = planned.schema;
  if (!head) return decisionChanges(schema, {}, planned.prepared.saved);
  if (head.pack === null || head.schema_version === null) return [];
  const old = await loadSchema(deps, head.pack, head.schema_version);
  return decisionChanges(old ? [schema, old.schema] : [schema], head.config_data, planned.prepared.saved);
}
