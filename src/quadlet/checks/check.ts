import type { Finding, Place } from "#core/finding.ts";
import { keyInfo, type KeyInfo } from "#quadlet/key-table.ts";
import type { LoadedBundle, LoadedUnit } from "#quadlet/load-units.ts";
import { placeInValue, type Assignment } from "#quadlet/parse-unit.ts";
import type { Reference } from "#quadlet/references.ts";
import type { UnitView } from "#quadlet/unit-view.ts";

/** One key of a unit's own section or of [Quadlet], with what the table says about it: null for a key that nobody knows. */
export type OwnKey = {
  readonly unit: LoadedUnit;
  readonly view: UnitView;
  readonly section: string;
  readonly key: string;
  readonly info: KeyInfo | null;
  readonly last: Assignment;
};

/** What a check looks at: the bundle as the target's Podman reads it, its keys one by one, and who names whom. */
export type CheckContext = {
  readonly bundle: LoadedBundle;
  readonly podman: string;
  readonly keys: readonly OwnKey[];
  readonly references: ReadonlyMap<LoadedUnit, readonly Reference[]>;
};

/**
 * One rule. `code` is the code of all its findings, the name of its page in docs/checks/ and of its fixtures. An error
 * needs proof that the unit does not start, or not as written; anything else is a warning.
 */
export type Check = { readonly code: string; readonly run: (context: CheckContext) => Finding[] };

export function ownKeys(bundle: LoadedBundle): OwnKey[] {
  const found: OwnKey[] = [];
  for (const unit of bundle.units) {
    const { view } = unit;
    for (const section of [unit.section, "Quadlet"]) {
      for (const key of view.keys(section)) {
        const last = view.last(section, key);
        if (last !== null) found.push({ unit, view, section, key, info: keyInfo(section, key), last });
      }
    }
  }
  return found;
}

type Text = { readonly message: string; readonly action: string };

export const placeOf = (assignment: Assignment, offset = 0): Place => ({
  file: assignment.file,
  ...placeInValue(assignment, offset),
});

/** The header of the unit's own section, or the first line of a file that lacks it. */
export function placeOfUnit(unit: LoadedUnit): Place {
  const header = unit.file.nodes.find((node) => node.type === "section" && node.name === unit.section);
  return { file: unit.filename, line: header?.line ?? 1, column: header?.column ?? 1 };
}

export const error = (code: string, place: Place, text: Text): Finding => ({ code, severity: "error", ...text, place });
export const warning = (code: string, place: Place, text: Text): Finding => ({
  code,
  severity: "warning",
  ...text,
  place,
});

/** Where the key itself stands. */
export const placeOfKey = ({ file, line, column }: Assignment): Place => ({ file, line, column });

/** systemd replaces `%x` and `$X` when the unit starts: nobody knows such a value before. */
export const isDecidedLater = (value: string): boolean => /%[^%]|\$/.test(value);
