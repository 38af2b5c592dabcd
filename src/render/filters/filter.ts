import { TemplateFault } from "#render/fault.ts";
import type { Run } from "#render/run.ts";
import { SafeString } from "#render/values/safe-string.ts";

/**
 * A filter: the value before `|` and the arguments. It charges the run for more work than reading its input once (the call
 * site charges that) and checks sizes before it builds them.
 */
export type Filter = (run: Run, input: unknown, args: readonly unknown[]) => unknown;

export const typeFault = (filter: string, wanted: string, got: unknown) =>
  new TemplateFault({
    code: "filter_type",
    message: `${filter} needs ${wanted}, not ${kindOf(got)}`,
    action: `Check the value before | ${filter}.`,
  });

export const kindOf = (value: unknown): string => {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (value instanceof SafeString) return "a text";
  switch (typeof value) {
    case "object":
      return "a mapping";
    case "string":
      return "a text";
    case "undefined":
      return "an undefined value";
    default:
      return `a ${typeof value}`;
  }
};

/** The text of a text; other types are refused, where Nunjucks fails with a TypeError. */
export function requireText(filter: string, value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof SafeString) return value.toString();
  throw typeFault(filter, "a text", value);
}

/** As `requireText`, but nothing (null, undefined, false) is the empty text: Nunjucks' `normalize`. */
export const optionalText = (filter: string, value: unknown): string =>
  value === null || value === undefined || value === false ? "" : requireText(filter, value);

export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof SafeString) &&
  !(value instanceof Map) &&
  !(value instanceof Set);

/** Items by index: of a list, or the characters of a text; a number or mapping has none. */
export function itemsOf(filter: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value === "string") return value.split("");
  if (value instanceof SafeString) return value.toString().split("");
  if (value === null || value === undefined) throw typeFault(filter, "a list", value);
  return [];
}

export function requireList(filter: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw typeFault(filter, "a list", value);
}
