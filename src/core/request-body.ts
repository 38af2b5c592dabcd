import { type Json, isJsonObject, pointerToken } from "#core/json.ts";
import { LIMITS } from "#core/limits.ts";
import { nestingDepth } from "#core/nesting-depth.ts";
import { type Result, err, ok } from "#core/result.ts";

export type BodyRefusal =
  | { code: "body_not_json"; detail: string }
  | { code: "body_too_complex"; detail: string }
  | { code: "number_not_exact"; pointer: string };

/**
 * Parses a JSON body within bounds: depth is counted on the text before parsing, keys while walking. An integer beyond
 * 2^53 is refused, because JavaScript would store another number than the person wrote.
 */
export function parseBody(text: string): Result<Json, BodyRefusal> {
  const depth = nestingDepth(text);
  if (depth > LIMITS.body_depth_max.value)
    return err({ code: "body_too_complex", detail: `nested more than ${LIMITS.body_depth_max.value} deep` });
  let inexact = false;
  let value: Json;
  try {
    value = JSON.parse(text, (_key, member: Json, context?: { source?: string }) => {
      if (typeof member === "number" && !isExact(member, context?.source)) inexact = true;
      return member;
    }) as Json;
  } catch (cause) {
    return err({ code: "body_not_json", detail: placeOf(cause) });
  }
  const walked = walk(value);
  if (walked.keys > LIMITS.body_keys_max.value)
    return err({ code: "body_too_complex", detail: `more than ${LIMITS.body_keys_max.value} keys and entries` });
  if (walked.isBroken) return err({ code: "body_not_json", detail: "a text in it has half a surrogate pair" });
  if (walked.forbidden)
    return err({ code: "body_too_complex", detail: `the key "${walked.forbidden}" is not allowed` });
  if (inexact) return err({ code: "number_not_exact", pointer: walked.inexactAt ?? "" });
  return ok(value);
}

/** Where the parser stopped. Its own message quotes the body, which may be a secret. */
function placeOf(cause: unknown): string {
  const position = cause instanceof Error ? /at position (\d+)/.exec(cause.message)?.[1] : undefined;
  return position === undefined ? "it cannot be parsed" : `it cannot be parsed beyond character ${position}`;
}

const isExact = (value: number, source: string | undefined) =>
  Number.isFinite(value) && (source === undefined || !/^-?\d+$/.test(source) || Number.isSafeInteger(value));

/** Names that JavaScript gives a meaning to: no body has them, and so no decision is called like that. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

type Walked = { keys: number; forbidden: string | null; inexactAt: string | null; isBroken: boolean };

function walk(root: Json): Walked {
  const found: Walked = { keys: 0, forbidden: null, inexactAt: null, isBroken: false };
  const visit = (value: Json, pointer: string): void => {
    if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value))
      found.inexactAt ??= pointer;
    if (typeof value === "string" && !value.isWellFormed()) found.isBroken = true;
    const children = Array.isArray(value) ? [...value.entries()] : isJsonObject(value) ? Object.entries(value) : [];
    for (const [key, child] of children) {
      found.keys++;
      if (typeof key === "string" && !key.isWellFormed()) found.isBroken = true;
      if (typeof key === "string" && FORBIDDEN_KEYS.has(key)) found.forbidden ??= key;
      visit(child, `${pointer}/${pointerToken(key)}`);
    }
  };
  visit(root, "");
  return found;
}
