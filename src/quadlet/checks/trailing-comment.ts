import type { Finding } from "#core/finding.ts";
import { placeOf, warning, type Check, type KeyName, type WrittenKey } from "#quadlet/checks/check.ts";
import type { Assignment } from "#quadlet/parse-unit.ts";
import { systemdKeys } from "#quadlet/systemd-keys.ts";

const CODE = "trailing_comment";

/** A shell command may well contain a comment of its own, and a description any text. */
const mayHoldMarks = ({ section, key, info }: KeyName) =>
  info === null
    ? systemdKeys(section).size === 0 || /^(?:Exec|Description)/.test(key)
    : ["Exec", "HealthCmd", "HealthStartupCmd"].includes(key);

const hasMark = ({ value }: Assignment) => value.includes("#") || value.includes(";");

function check({ key, values }: WrittenKey): Finding[] {
  return values.written.filter(hasMark).flatMap((assignment) => {
    const { value } = assignment;
    const at = /\s[#;]\s/.exec(value)?.index;
    if (at === undefined || /["']/.test(value)) return [];
    const message = `Comments stand on lines of their own: this one is part of ${key}=.`;
    const action = "Move the comment to the line above.";
    return [warning(CODE, placeOf(assignment, at + 1), { message, action })];
  });
}

/** A `#` after a value does not start a comment: it and the words behind it belong to the value. */
export const trailingComment: Check = {
  code: CODE,
  ofKey: { reads: (name) => name.section !== "Quadlet" && !mayHoldMarks(name), run: check },
};
