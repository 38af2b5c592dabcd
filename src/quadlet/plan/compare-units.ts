import type { LoadedBundle, LoadedUnit } from "#quadlet/load-units.ts";
import { referencesOf, type Reference } from "#quadlet/references.ts";
import { findFileUses } from "#quadlet/file-uses.ts";
import { keyInfo } from "#quadlet/key-table.ts";
import type { Assignment } from "#quadlet/parse-unit.ts";
import type { KeyValues, UnitView } from "#quadlet/unit-view.ts";

/** Keys that change what people read or what starts at boot, and not what runs. */
const WITHOUT_EFFECT = new Set(["Unit.Description", "Unit.Documentation"]);

const areEqual = (a: readonly Assignment[], b: readonly Assignment[]) =>
  a.length === b.length && a.every((assignment, index) => assignment.value === b[index]?.value);

const NO_ASSIGNMENTS: readonly Assignment[] = [];

/** Whether the key says the same on both sides; a key that is empty or reset says the same as one that is missing. */
function areAlike(one: KeyValues, other: KeyValues | null): boolean {
  const info = keyInfo(one.section, one.key);
  const isScalar = info !== null && !info.repeatable;
  if (isScalar) return one.string() === (other?.string() ?? "");
  return areEqual(one.all(), other?.all() ?? NO_ASSIGNMENTS);
}

/** Keys that count for the running service and differ, with their section: comments, order and [X-...] do not count. */
function differingKeys(from: UnitView, to: UnitView): string[] {
  const found: string[] = [];
  for (const section of from.sectionNames()) {
    if (section.startsWith("X-") || section === "Install") continue;
    for (const values of from.values(section)) {
      const name = `${section}.${values.key}`;
      if (!areAlike(values, to.key(section, values.key)) && !WITHOUT_EFFECT.has(name)) found.push(name);
    }
  }
  return found;
}

function meaningfulValues(view: UnitView): KeyValues[] {
  const found: KeyValues[] = [];
  for (const section of view.sectionNames()) if (!section.startsWith("X-")) found.push(...view.values(section));
  return found;
}

/** Whether two files say the same apart from comments, [X-...] sections, and the order of different keys. */
export function meanTheSame(old: UnitView, next: UnitView): boolean {
  const [values, others] = [meaningfulValues(old), meaningfulValues(next)];
  if (values.length !== others.length) return false;
  return values.every((one) => {
    const other = next.key(one.section, one.key);
    return other !== null && areEqual(one.written, other.written);
  });
}

/** What stands in the command line for each reference, by key. */
function referredOf(unit: LoadedUnit, bundle: LoadedBundle): Map<string, string> {
  const referred = new Map<string, string>();
  for (const { key, name, target } of referencesOf(unit, bundle)) {
    const names = `${name}=${target?.resourceName ?? ""} ${target?.serviceName ?? ""}`;
    referred.set(key, `${referred.get(key) ?? ""} ${names}`);
  }
  return referred;
}

function differingReferences(old: ReadonlyMap<string, string>, next: ReadonlyMap<string, string>): string[] {
  return [...new Set([...old.keys(), ...next.keys()])].filter((name) => old.get(name) !== next.get(name));
}

/** Keys (`Environment`, `Service.Restart`) whose effective value differs; empty when the same service would run. */
export function changedKeys(before: [LoadedUnit, LoadedBundle], after: [LoadedUnit, LoadedBundle]): string[] {
  const [old, next] = [before[0], after[0]];
  const isSameText = old.view === next.view;
  if (isSameText && leadToTheSame(referencesOf(...before), referencesOf(...after))) return [];
  const referred = differingReferences(referredOf(...before), referredOf(...after));
  // Loading shares the view of units whose text is the same.
  if (isSameText) return referred.toSorted();
  const own = `${next.section}.`;
  const keys = [...differingKeys(old.view, next.view), ...differingKeys(next.view, old.view)];
  const short = keys.map((name) => (name.startsWith(own) ? name.slice(own.length) : name));
  const type = old.type === next.type ? [] : ["type"];
  return [...new Set([...type, ...short, ...referred])].toSorted();
}

/** The references of one and the same text: only what they lead to can differ. */
function leadToTheSame(old: readonly Reference[], next: readonly Reference[]): boolean {
  return old.every((one, index) => {
    const other = next[index];
    return (
      one.target?.resourceName === other?.target?.resourceName && one.target?.serviceName === other?.target?.serviceName
    );
  });
}

export type ChangedFile = { readonly filename: string; readonly key: string };

/** Files of the bundle that the unit mounts or reads, whose text or presence differs. */
export function changedFiles(before: [LoadedUnit, LoadedBundle], after: [LoadedUnit, LoadedBundle]): ChangedFile[] {
  if (findFileUses(...before).length + findFileUses(...after).length === 0) return [];
  const textsOf = ([unit, bundle]: [LoadedUnit, LoadedBundle]) => {
    const uses = findFileUses(unit, bundle);
    const named = uses.flatMap((use) => use.filenames.map((name) => ({ name, key: use.key })));
    return new Map(named.map(({ name, key }) => [name, { text: bundle.texts.get(name), key }]));
  };
  const old = textsOf(before);
  const next = textsOf(after);
  return [...new Set([...old.keys(), ...next.keys()])]
    .filter((name) => old.get(name)?.text !== next.get(name)?.text)
    .map((filename) => ({ filename, key: (next.get(filename) ?? old.get(filename))?.key ?? "" }))
    .toSorted((a, b) => (a.filename < b.filename ? -1 : 1));
}
