import { isDecidedLater, placeOf, warning, type Check } from "#quadlet/checks/check.ts";
import { systemdKeys, systemdValue, type SystemdValue } from "#quadlet/systemd-keys.ts";

const CODE = "systemd_value";
const BOOL = /^(?:1|yes|y|true|t|on|0|no|n|false|f|off)$/i;
/** A time span of systemd.time(7): numbers with units, without one seconds are meant. */
const SPAN =
  /^(?:\s*\d+(?:\.\d+)?\s*(?:usec|us|μs|µs|msec|ms|seconds?|sec|s|minutes?|min|m|hours?|hr|h|days?|d|weeks?|w|months?|M|years?|y)?)+$/;

function problemOf(wanted: SystemdValue, value: string): string | null {
  switch (wanted.kind) {
    case "bool":
      return BOOL.test(value) ? null : "yes or no";
    case "seconds":
      return value === "infinity" || SPAN.test(value) ? null : "a time such as 90 or 5min";
    case "choice":
      return wanted.choices.includes(value) ? null : wanted.choices.join(", ");
  }
}

/** systemd ignores a value that it cannot read and keeps its default. */
export const systemdValueCheck: Check = {
  code: CODE,
  ofKey: {
    reads: ({ section, key }) => systemdKeys(section).size > 0 && systemdValue(key) !== null,
    run: ({ key, last }) => {
      const wanted = systemdValue(key);
      if (wanted === null || last.value === "" || isDecidedLater(last.value)) return [];
      const problem = problemOf(wanted, last.value);
      if (problem === null) return [];
      const message = `systemd cannot read ${key}=${last.value} and keeps its default.`;
      return [warning(CODE, placeOf(last), { message, action: `Write ${problem}.` })];
    },
  },
};
