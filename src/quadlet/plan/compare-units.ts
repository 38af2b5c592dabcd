import type { LoadedBundle, LoadedUnit } from "#quadlet/load-units.ts";
import { referencesOf } from "#quadlet/references.ts";
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

/** What counts for the running service, as text by key: comments, order and [X-...] do not. */
function settingsOf(unit: LoadedUnit, bundle: LoadedBundle): Map<string, string> {
  const settings = new Map<string, string>();
  for (const section of unit.view.sectionNames()) {
    if (section.startsWith("X-") || section === "Install") continue;
    for (const key of unit.view.keys(section)) {
      const name = `${section}.${key}`;
      if (!WITHOUT_EFFECT.has(name)) settings.set(name, effectiveValues(unit, section, key));
    }
  }
  // A reference stands in the command line under the name of what it means.
  for (const { key, name, target } of referencesOf(unit, bundle)) {
    const names = `${target?.resourceName ?? ""} ${target?.serviceName ?? ""}`;
    settings.set(`${unit.section}.${key}`, `${settings.get(`${unit.section}.${key}`) ?? ""} ${name}=${names}`);
  }
  settings.set("type", unit.type);
  return settings;
}

/** Keys (`Environment`, `Service.Restart`) whose effective value differs; empty when the same service would run. */
export function changedKeys(before: [LoadedUnit, LoadedBundle], after: [LoadedUnit, LoadedBundle]): string[] {
  const old = settingsOf(...before);
  const next = settingsOf(...after);
  const unset = (value: string | undefined) =>
    value === undefined || value === '""' || value === "[]" || value === "null";
  const names = [...new Set([...old.keys(), ...next.keys()])].filter((name) => {
    const [from, to] = [old.get(name), next.get(name)];
    return from !== to && !(unset(from) && unset(to));
  });
  const own = `${after[0].section}.`;
  return names.map((name) => (name.startsWith(own) ? name.slice(own.length) : name)).toSorted();
}

export type ChangedFile = { readonly filename: string; readonly key: string };

/** Files of the bundle that the unit mounts or reads, whose text or presence differs. */
export function changedFiles(before: [LoadedUnit, LoadedBundle], after: [LoadedUnit, LoadedBundle]): ChangedFile[] {
  const textsOf = ([unit, bundle]: [LoadedUnit, LoadedBundle]) => {
    const texts = new Map(bundle.files.map((file) => [file.filename, file.text]));
    const uses = findFileUses(unit, bundle);
    return new Map(uses.flatMap((use) => use.filenames.map((name) => [name, { text: texts.get(name), key: use.key }])));
  };
  const old = textsOf(before);
  const next = textsOf(after);
  return [...new Set([...old.keys(), ...next.keys()])]
    .filter((name) => old.get(name)?.text !== next.get(name)?.text)
    .map((filename) => ({ filename, key: (next.get(filename) ?? old.get(filename))?.key ?? "" }))
    .toSorted((a, b) => (a.filename < b.filename ? -1 : 1));
}
