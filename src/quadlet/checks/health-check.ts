import type { Finding } from "#core/finding.ts";
import {
  error,
  isDecidedLater,
  placeOf,
  warning,
  type Check,
  type CheckContext,
  type OwnKey,
} from "#quadlet/checks/check.ts";
import { isAtLeast } from "#quadlet/podman-version.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";

const CODE = "health_check";
const DURATIONS = new Set([
  "HealthInterval",
  "HealthTimeout",
  "HealthStartPeriod",
  "HealthStartupInterval",
  "HealthStartupTimeout",
]);
const NUMBERS = new Set([
  "HealthRetries",
  "HealthStartupRetries",
  "HealthStartupSuccess",
  "HealthMaxLogCount",
  "HealthMaxLogSize",
]);
const DURATION = /^(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h))*$/;
const ON_FAILURE = ["none", "kill", "restart", "stop"];
const MATCHED_QUOTES_SINCE = "5.8.2";

function valueProblem(key: string, value: string): string | null {
  if (DURATIONS.has(key)) {
    const isDisabled = key.endsWith("Interval") && value === "disable";
    if (!isDisabled && value !== "0" && !DURATION.test(value))
      return "is no duration; write a number with a unit, such as 30s";
  }
  if (NUMBERS.has(key) && !/^\d+$/.test(value)) return "is no number";
  if (key === "HealthOnFailure" && !ON_FAILURE.includes(value)) return `is none of ${ON_FAILURE.join(", ")}`;
  return null;
}

function commandFindings({ view, section }: LoadedUnit, { podman }: CheckContext): Finding[] {
  return ["HealthCmd", "HealthStartupCmd"].flatMap((key): Finding[] => {
    const assignment = view.last(section, key);
    if (assignment === null) return [];
    const { value } = assignment;
    const isWhole = value.length >= 2 && value.startsWith('"') && value.endsWith('"');
    if (
      !isAtLeast(podman, MATCHED_QUOTES_SINCE) &&
      /^"|"$/.test(value) &&
      (!isWhole || value.slice(1, -1).includes('"'))
    ) {
      const message = `Podman ${podman} cuts the quotes off both ends of ${key}=, matched or not: the command breaks.`;
      return [
        warning(CODE, placeOf(assignment), {
          message,
          action: "Use single quotes, or a command that ends in another character.",
        }),
      ];
    }
    const quotes = value.replaceAll(/\\./g, "").match(/"/g)?.length ?? 0;
    if (value.startsWith("[") && !isJsonStrings(view.string(section, key) ?? "")) {
      const message = `${key}= begins with a bracket and is no JSON list of strings: Podman runs it as a shell command.`;
      return [
        warning(CODE, placeOf(assignment), {
          message,
          action: 'Write ["CMD", "program", "argument"], or a plain command.',
        }),
      ];
    }
    if (quotes % 2 === 0) return [];
    const message = `${key}= has a quote that is never closed: the shell will refuse the command.`;
    return [warning(CODE, placeOf(assignment), { message, action: "Close the quote." })];
  });
}

function isJsonStrings(text: string): boolean {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((word) => typeof word === "string");
  } catch {
    return false;
  }
}

function check({ view, section, key, last }: OwnKey): Finding[] {
  if (section !== "Container" || !key.startsWith("Health")) return [];
  const value = view.string(section, key) ?? "";
  const problem = value === "" || isDecidedLater(value) ? null : valueProblem(key, value);
  if (problem === null) return [];
  const message = `${key}=${value} ${problem}: Podman will not start the container.`;
  return [error(CODE, placeOf(last), { message, action: "Correct the value." })];
}

/** Health checks that Podman cannot read, or runs as something else. */
export const healthCheck: Check = {
  code: CODE,
  run: (context) => [
    ...context.keys.flatMap(check),
    ...context.bundle.units.flatMap((unit) => (unit.type === "container" ? commandFindings(unit, context) : [])),
  ],
};
