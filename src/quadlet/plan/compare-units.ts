import type { LoadedBundle, LoadedUnit } from "#quadlet/load-units.ts";
import { referencesOf, type Reference } from "#quadlet/references.ts";
import { findFileUses } from "#quadlet/file-uses.ts";
import { keyInfo } from "#quadlet/key-table.ts";

/** Keys that change what people read or what starts at boot, and not what runs. */
const WITHOUT_EFFECT = new Set(["Unit.Description", "Unit.Documentation"]);

function effectiveValues({ view }: LoadedUnit, section: string, key: string): string {
  const info = keyInfo(section, key);
  const isScalar = info !== null && !info.repeatable;
  return JSON.stringify(
    isScalar ? view.string(section, key) : view.all(section, key).map((assignment) => assignment.value),
  );
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

/** What counts for the running service, as text by key: comments, order and [X-...] do not. */
function settingsOf(unit: LoadedUnit): Map<string, string> {
  const settings = new Map<string, string>([["type", unit.type]]);
  for (const section of unit.view.sectionNames()) {
    if (section.startsWith("X-") || section === "Install") continue;
    for (const key of unit.view.keys(section)) {
      const name = `${section}.${key}`;
      if (!WITHOUT_EFFECT.has(name)) settings.set(name, effectiveValues(unit, section, key));
    }
  }
  return settings;
}

const isUnset = (value: string | undefined) =>
  value === undefined || value === '""' || value === "[]" || value === "null";

function differing(old: ReadonlyMap<string, string>, next: ReadonlyMap<string, string>): string[] {
  return [...new Set([...old.keys(), ...next.keys()])].filter((name) => {
    const [from, to] = [old.get(name), next.get(name)];
    return from !== to && !(isUnset(from) && isUnset(to));
  });
}

/** Keys (`Environment`, `Service.Restart`) whose effective value differs; empty when the same service would run. */
export function changedKeys(before: [LoadedUnit, LoadedBundle], after: [LoadedUnit, LoadedBundle]): string[] {
  const isSameText = before[0].view === after[0].view;
  if (isSameText && meanTheSame(referencesOf(...before), referencesOf(...after))) return [];
  const referred = differing(referredOf(...before), referredOf(...after));
  // Loading shares the view of units whose text is the same.
  if (isSameText) return referred.toSorted();
  const own = `${after[0].section}.`;
  const keys = differing(settingsOf(before[0]), settingsOf(after[0]));
  const short = keys.map((name) => (name.startsWith(own) ? name.slice(own.length) : name));
  return [...new Set([...short, ...referred])].toSorted();
}

/** The references of one and the same text: only what they lead to can differ. */
function meanTheSame(old: readonly Reference[], next: readonly Reference[]): boolean {
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
