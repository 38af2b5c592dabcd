import type { Finding } from "#core/finding.ts";
import {
  error,
  isDecidedLater,
  placeOf,
  warning,
  type Check,
  type CheckContext,
  type WrittenKey,
} from "#quadlet/checks/check.ts";
import { isAtLeast } from "#quadlet/podman-version.ts";

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

const COMMANDS = new Set(["HealthCmd", "HealthStartupCmd"]);

function commandFindings({ key, values, last }: WrittenKey, { podman }: CheckContext): Finding[] {
  const { value } = last;
  const warn = (message: string, action: string) => [warning(CODE, placeOf(last), { message, action })];
  const isWhole = value.length >= 2 && value.startsWith('"') && value.endsWith('"');
  const isQuoted = value.startsWith('"') || value.endsWith('"');
  const isBroken = isQuoted && (!isWhole || value.slice(1, -1).includes('"'));
  if (isBroken && !isAtLeast(podman, MATCHED_QUOTES_SINCE)) {
    return warn(
      `Podman ${podman} cuts the quotes off both ends of ${key}=, matched or not: the command breaks.`,
      "Use single quotes, or a command that ends in another character.",
    );
  }
  if (value.startsWith("[") && !isJsonStrings(values.string())) {
    return warn(
      `${key}= begins with a bracket and is no JSON list of strings: Podman runs it as a shell command.`,
      'Write ["CMD", "program", "argument"], or a plain command.',
    );
  }
  const quotes = value.includes('"') ? (value.replaceAll(/\\./g, "").match(/"/g)?.length ?? 0) : 0;
  if (quotes % 2 === 0) return [];
  return warn(`${key}= has a quote that is never closed: the shell will refuse the command.`, "Close the quote.");
}

function isJsonStrings(text: string): boolean {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((word) => typeof word === "string");
  } catch {
    return false;
  }
}

function valueFindings({ key, values, last }: WrittenKey): Finding[] {
  const value = values.string();
  const problem = value === "" || isDecidedLater(value) ? null : valueProblem(key, value);
  if (problem === null) return [];
  const message = `${key}=${value} ${problem}: Podman will not start the container.`;
  return [error(CODE, placeOf(last), { message, action: "Correct the value." })];
}

/** Health checks that Podman cannot read, or runs as something else. */
export const healthCheck: Check = {
  code: CODE,
  ofKey: {
    reads: ({ section, key }) => section === "Container" && key.startsWith("Health"),
    run: (written, context) => (COMMANDS.has(written.key) ? commandFindings(written, context) : valueFindings(written)),
  },
};
