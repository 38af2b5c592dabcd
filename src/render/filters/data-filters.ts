import { TemplateFault } from "#render/fault.ts";
import { type Filter, requireText } from "#render/filters/filter.ts";
import type { Run } from "#render/run.ts";
import { primitiveOf } from "#render/values/operators.ts";
import { SafeString } from "#render/values/safe-string.ts";

const DEPTH_MAX = 64;

/** Bounds JSON by one walk before it is built: shared parts count each time they are reached. */
function measure(run: Run, value: unknown, depth: number): void {
  run.charge(typeof value === "string" ? 1 + (value.length >>> 4) : 1);
  if (typeof value !== "object" || value === null || value instanceof SafeString) return;
  if (depth > DEPTH_MAX) {
    throw new TemplateFault({
      code: "limit_depth",
      message: `a value nested deeper than ${DEPTH_MAX} cannot become JSON`,
      action: "Print its parts.",
    });
  }
  for (const item of Object.values(value)) measure(run, item, depth + 1);
}

const dump: Filter = (run, input, spaces) => {
  measure(run, input, 0);
  const indent = primitiveOf(spaces);
  if (typeof indent === "number" || typeof indent === "string") return JSON.stringify(input, toPlain, indent);
  return JSON.stringify(input, toPlain);
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

const defaultTo: Filter = (_run, input, ...[fallback, isForFalsy]) =>
  isForFalsy ? input || fallback : input === undefined ? fallback : input;

export const dataFilters: Record<string, Filter> = {
  d: defaultTo,
  default: defaultTo,
  dump,
  fromJson,
  toJson: dump,
  tojson: dump,
};
