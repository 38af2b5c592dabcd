import type { Finding } from "#core/finding.ts";
import { ALL_CHECKS } from "#quadlet/checks/all-checks.ts";
import type { Check, CheckContext, KeyName } from "#quadlet/checks/check.ts";
import { keyInfo, keySections, keysOf } from "#quadlet/key-table.ts";
import type { LoadedBundle, LoadedUnit } from "#quadlet/load-units.ts";
import { SYSTEMD_SECTIONS, systemdKeys } from "#quadlet/systemd-keys.ts";
import type { UnitType } from "#quadlet/unit-names.ts";

type KeyRule = NonNullable<Check["ofKey"]>["run"];
type UnitRule = NonNullable<Check["ofUnit"]>["run"];

/** A key's name with the rules that read it. */
type KeyReaders = KeyName & { readonly rules: readonly KeyRule[] };

function readersOf(section: string, key: string): KeyReaders {
  const info = keyInfo(section, key);
  const name = { section, key, info };
  return { ...name, rules: ALL_CHECKS.flatMap(({ ofKey }) => (ofKey?.reads(name) === true ? ofKey.run : [])) };
}

const readersIn = (section: string, keys: Iterable<string>) =>
  new Map([...keys].map((key) => [key, readersOf(section, key)]));

/** Worked out once for every key that anybody knows: most keys of most units concern three rules or fewer. */
const READERS: ReadonlyMap<string, ReadonlyMap<string, KeyReaders>> = new Map([
  ...keySections().map((section) => [section, readersIn(section, keysOf(section))] as const),
  ...SYSTEMD_SECTIONS.map((section) => [section, readersIn(section, systemdKeys(section))] as const),
]);

const BUNDLE_RULES = ALL_CHECKS.flatMap((check) => check.ofBundle ?? []);
const UNIT_RULES = new Map<UnitType, readonly UnitRule[]>();

function unitRules(type: UnitType): readonly UnitRule[] {
  const known = UNIT_RULES.get(type);
  if (known !== undefined) return known;
  const concerned = ALL_CHECKS.flatMap((check) => check.ofUnit ?? []).filter(
    ({ types }) => types === undefined || types.includes(type),
  );
  const rules = concerned.map((check) => check.run);
  UNIT_RULES.set(type, rules);
  return rules;
}

/** Sections that somebody reads in every unit, besides that of its type. */
const SHARED_SECTIONS: readonly string[] = ["Quadlet", ...SYSTEMD_SECTIONS];

class CheckRun {
  readonly findings: Finding[] = [];
  private readonly context: CheckContext;

  constructor(bundle: LoadedBundle) {
    this.context = { bundle, podman: bundle.podman };
  }

  private add(found: readonly Finding[]): void {
    for (const finding of found) this.findings.push(finding);
  }

  checkBundle(): void {
    for (const rule of BUNDLE_RULES) this.add(rule(this.context));
    for (const unit of this.context.bundle.units) this.checkUnit(unit);
  }

  private checkUnit(unit: LoadedUnit): void {
    for (const rule of unitRules(unit.type)) this.add(rule(unit, this.context));
    this.checkSection(unit, unit.section);
    for (const section of SHARED_SECTIONS) this.checkSection(unit, section);
  }

  private checkSection(unit: LoadedUnit, section: string): void {
    const readers = READERS.get(section);
    for (const values of unit.view.values(section)) {
      const { info, rules } = readers?.get(values.key) ?? readersOf(section, values.key);
      if (rules.length === 0) continue;
      const written = { unit, view: unit.view, section, key: values.key, info, values, last: values.last };
      for (const rule of rules) this.add(rule(written, this.context));
    }
  }
}

/** The findings of all rules, in no order in particular. */
export function runChecks(bundle: LoadedBundle): Finding[] {
  const run = new CheckRun(bundle);
  run.checkBundle();
  return run.findings;
}
