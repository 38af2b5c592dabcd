import type { PlannedUpgrade } from "#actions/plan-upgrade.ts";
import type { ImpactDetail } from "#core/impact.ts";
import type { Configuration } from "#store/configuration-store.ts";

/** Enough to know why; who wants all of it previews the save. */
const ITEMS_MAX = 12;
const WORD_CHARS_MAX = 200;
/** Steps after which a service runs differently, or anew. */
const STIRRING = new Set(["stop", "remove", "recreate_network", "start", "restart"]);

/**
 * What is kept of a planned upgrade: names and codes. Messages and risks quote values (a volume, an image), so only their codes and the
 * services' names, which are file names of the pack, go in.
 */
export function impactDetail({ schemaVersion, version }: Configuration, upgrade: PlannedUpgrade): ImpactDetail {
  const { preview, findings } = upgrade;
  const plan = preview?.comparison?.plan ?? null;
  const steps = plan?.steps.filter(({ action }) => STIRRING.has(action)) ?? [];
  const lists = {
    services: unique(steps.map(({ target }) => target)),
    risks: plan?.risks.map(({ code, service }) => ({ code, service })) ?? [],
    inputs: unique(upgrade.class === "needs_input" ? findings.map(({ decision }) => decision ?? "") : []),
    lost: unique(upgrade.lost.map(({ decision }) => decision)),
    findings: upgrade.class === "fails" ? findings.filter(({ severity }) => severity === "error").map(placeOf) : [],
  };
  return {
    format: 1,
    from: schemaVersion ?? "",
    base_version: version,
    files_changed: preview?.comparison?.files.length ?? 0,
    services: lists.services.slice(0, ITEMS_MAX),
    risks: lists.risks.slice(0, ITEMS_MAX),
    inputs: lists.inputs.slice(0, ITEMS_MAX),
    lost: lists.lost.slice(0, ITEMS_MAX),
    findings: lists.findings.slice(0, ITEMS_MAX),
    is_cut: Object.values(lists).some(({ length }) => length > ITEMS_MAX),
  };
}

const unique = (words: readonly string[]) => [...new Set(words.map((word) => word.slice(0, WORD_CHARS_MAX)))];

function placeOf({
  code,
  decision,
  template,
  place,
}: PlannedUpgrade["findings"][number]): ImpactDetail["findings"][number] {
  const at = template ?? place;
  return { code, decision: decision?.slice(0, WORD_CHARS_MAX) ?? null, file: at?.file ?? null, line: at?.line ?? null };
}
