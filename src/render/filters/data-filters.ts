import { TemplateFault } from "#render/fault.ts";
import { type Filter, requireText } from "#render/filters/filter.ts";
import type { Run } from "#render/run.ts";
import { primitiveOf } from "#render/values/operators.ts";
import { SafeString } from "#render/values/safe-string.ts";

const DEPTH_MAX = 64;

/** It is walked through, and written. */
const STEPS_OF_VALUE = 12;

/**
 * Bounds JSON by one walk before it is built: shared parts count each time they are reached. Tells whether there are texts of the
 * engine's own in it, which JavaScript would write as objects.
 */
function measure(run: Run, value: unknown, depth: number): boolean {
  run.charge(typeof value === "string" ? STEPS_OF_VALUE + (value.length >>> 3) : STEPS_OF_VALUE);
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof SafeString) return true;
  if (depth > DEPTH_MAX) {
    throw new TemplateFault({
      code: "limit_depth",
      message: `a value nested deeper than ${DEPTH_MAX} cannot become JSON`,
      action: "Print its parts.",
    });
  }
  let holdsSafeStrings = false;
  for (const item of Object.values(value)) if (measure(run, item, depth + 1)) holdsSafeStrings = true;
  return holdsSafeStrings;
}

const dump: Filter = (run, input, { 0: spaces }) => {
  const replacer = measure(run, input, 0) ? toPlain : undefined;
  const indent = primitiveOf(spaces);
  if (typeof indent === "number" || typeof indent === "string") return JSON.stringify(input, replacer, indent);
  return JSON.stringify(input, replacer);
};

const toPlain = (_key: string, value: unknown): unknown => (value instanceof SafeString ? value.toString() : value);

const fromJson: Filter = (run, input) => {
  const text = requireText("fromJson", input);
  run.charge(text.length >>> 3);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new TemplateFault(
      { code: "filter_json", message: "the text is not JSON", action: "Check the file or value before | fromJson." },
      { cause },
    );
  }
};

const defaultTo: Filter = (_run, input, { 0: fallback, 1: isForFalsy }) =>
  isForFalsy ? input || fallback : input === undefined ? fallback : input;

export const dataFilters: Record<string, Filter> = {
  d: defaultTo,
  default: defaultTo,
  dump,
  fromJson,
  toJson: dump,
  tojson: dump,
};
