import { type Comparison, compareRenders } from "#actions/compare-renders.ts";
import { readAs } from "#actions/read-as.ts";
import type { Name } from "#actions/read-configurations.ts";
import { readShownRender } from "#actions/read-shown-render.ts";
import type { ShownRender } from "#actions/shown-render.ts";
import { type DecisionChange, decisionChanges } from "#core/changes.ts";
import { AppError } from "#core/errors.ts";
import { type Mask, workspaceMask } from "#core/mask.ts";
import type { Caller } from "#core/principal.ts";
import type { Deps } from "#deps.ts";
import { loadSchema } from "#registry/load-schema.ts";
import { type SchemaSummaryRow, schemaStore } from "#store/schema-store.ts";
import { type Version, versionStore } from "#store/version-store.ts";

export type VersionDiff = {
  /** Null: compared with nothing, as for a first version. */
  from: Version | null;
  to: Version;
  changes: DecisionChange[];
  /** Null while one of the two is not rendered. */
  comparison: Comparison | null;
};

type Side = { version: Version; schema: SchemaSummaryRow | undefined };

/**
 * What differs between two versions of a deployment, in decisions, in files and on the device. `against` null means the
 * version that it was made from. Sensitive values are masked on both sides by the same fingerprints.
 */
export async function readVersionDiff(
  deps: Deps,
  caller: Caller,
  { name, number, against }: { name: Name; number: number; against: number | null },
): Promise<VersionDiff> {
  const { db } = deps;
  const numbers = against === null ? [number] : [number, against];
  const { results } = await readAs(
    deps,
    { caller, permission: "config:read" },
    numbers.flatMap((version) => selectSide(db, caller.workspaceId, version)),
  );
  const to = sideOf(results, { at: 0, number, name });
  const from = against === null ? await parentOf(deps, to, name) : sideOf(results, { at: 1, number: against, name });
  const mask = await workspaceMask(deps.settings.LINK_SIGNING_KEY, caller.workspaceId);
  return {
    from: from?.version ?? null,
    to: to.version,
    changes: await changesBetween(deps, from?.version ?? null, to.version),
    comparison: await compareSides(deps, { from, to, mask }),
  };
}

const selectSide = (db: D1Database, workspaceId: string, version: number) => {
  const of = { workspace_id: workspaceId, version };
  return [versionStore.selectByNumber.bind(db, of), schemaStore.selectOfVersion.bind(db, of)];
};

function sideOf(results: readonly D1Result[], of: { at: number; number: number; name: Name }): Side {
  const row = versionStore.selectByNumber.rows(results[of.at * 2])[0];
  const isNamed = row?.namespace === of.name.namespace && row.deployment_name === of.name.deployment_name;
  if (!row || !isNamed) throw AppError.of("version_not_found", { version: of.number });
  if (row.purged_at !== null) throw AppError.of("version_purged", { version: of.number });
  return { version: versionStore.fromRow(row), schema: schemaStore.selectOfVersion.rows(results[of.at * 2 + 1])[0] };
}

async function parentOf({ db }: Deps, { version }: Side, name: Name): Promise<Side | null> {
  const { parent_version: number, workspace_id } = version;
  if (number === null) return null;
  return sideOf(await db.batch(selectSide(db, workspace_id, number)), { at: 0, number, name });
}

/** By the titles of the newer schema; what either schema marks is masked. Uploads have no decisions. */
async function changesBetween(deps: Deps, from: Version | null, to: Version): Promise<DecisionChange[]> {
  if (to.origin === "delete") return [];
  const [newer, older] = await Promise.all([schemaOf(deps, to), schemaOf(deps, from)]);
  if (!newer || (from && !older)) return [];
  const both = older ? [newer.schema, older.schema] : [newer.schema];
  return decisionChanges(both, from?.config_data ?? {}, to.config_data);
}

const schemaOf = async (deps: Deps, version: Version | null) =>
  version?.pack && version.schema_version ? loadSchema(deps, version.pack, version.schema_version) : null;

async function compareSides(
  deps: Deps,
  { from, to, mask }: { from: Side | null; to: Side; mask: Mask },
): Promise<Comparison | null> {
  const isThere = ({ version }: Side) => version.manifest_checksum !== null;
  if (!isThere(to) || (from && !isThere(from))) return null;
  const old = await shown(deps, { side: from, mask, known: new Map() });
  const known = new Map((old?.files ?? []).map(({ sha256, bytes }) => [sha256, bytes]));
  return compareRenders(old, await shown(deps, { side: to, mask, known }));
}

/** A deletion ships nothing. */
async function shown(
  deps: Deps,
  { side, mask, known }: { side: Side | null; mask: Mask; known: ReadonlyMap<string, Uint8Array> },
): Promise<ShownRender | null> {
  if (!side || side.version.deleted === 1) return null;
  return readShownRender(deps, { ...side, mask, known });
}
