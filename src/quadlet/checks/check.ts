import type { Finding, Place } from "#core/finding.ts";
import type { KeyInfo } from "#quadlet/key-table.ts";
import type { LoadedBundle, LoadedUnit } from "#quadlet/load-units.ts";
import { placeInValue, type Assignment } from "#quadlet/parse-unit.ts";
import type { UnitType } from "#quadlet/unit-names.ts";
import type { KeyValues, UnitView } from "#quadlet/unit-view.ts";

/** What a check looks at besides its own unit or key: the bundle as the target's Podman reads it. */
export type CheckContext = { readonly bundle: LoadedBundle; readonly podman: string };

/** A key by its name: `info` is what the table says about it, null for a key that nobody knows and in systemd's sections. */
export type KeyName = { readonly section: string; readonly key: string; readonly info: KeyInfo | null };

/** A key that is written in a unit: in the section of its type, in [Quadlet], or in one that systemd reads. */
export type WrittenKey = {
  readonly unit: LoadedUnit;
  readonly view: UnitView;
  readonly section: string;
  readonly key: string;
  readonly info: KeyInfo | null;
  readonly values: KeyValues;
  readonly last: Assignment;
};

/**
 * One rule. `code` is the code of all its findings, the name of its page in docs/checks/ and of its fixtures. An error
 * needs proof that the unit does not start, or not as written; anything else is a warning.
 *
 * A rule says what it looks at, and is not called for anything else: keys whose name `reads` picks (asked once for each name, not for
 * each unit), units of its types, or the bundle as a whole.
 */
export type Check = {
  readonly code: string;
  readonly ofKey?: {
    readonly reads: (name: KeyName) => boolean;
    readonly run: (written: WrittenKey, context: CheckContext) => readonly Finding[];
  };
  readonly ofUnit?: {
    /** Every type when it is missing. */
    readonly types?: readonly UnitType[];
    readonly run: (unit: LoadedUnit, context: CheckContext) => readonly Finding[];
  };
  readonly ofBundle?: (context: CheckContext) => readonly Finding[];
};

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
export const isDecidedLater = (value: string): boolean =>
  value.includes("$") || (value.includes("%") && /%[^%]/.test(value));
