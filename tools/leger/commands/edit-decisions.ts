import { readFileSync } from "node:fs";
import { type Json, type JsonObject, isJsonObject } from "#core/json.ts";
import { usageError } from "../cli-error.ts";
import { fromHere } from "../settings.ts";

/** A JSON object from a file, or from stdin for `-`. */
export function readJsonObject(file: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file === "-" ? 0 : fromHere(file), "utf8"));
  } catch (cause) {
    throw usageError(`${file} cannot be read as JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (!isJsonObject(value)) throw usageError(`${file} must hold one JSON object.`);
  return value;
}

/**
 * Decisions with `path=value` applied in order. A path is names with dots (`services.enable_redis`) or a JSON Pointer; the value is JSON,
 * or text where it is none. Null in `edits[].value` takes the decision away. Refuses to reach into what is no object.
 */
export function editDecisions(
  decisions: JsonObject,
  edits: readonly { path: string; value: Json | undefined }[],
): JsonObject {
  const edited = structuredClone(decisions);
  for (const { path, value } of edits) {
    const names = namesOf(path);
    const last = names.pop() ?? "";
    let at: JsonObject = edited;
    for (const name of names) {
      const next = at[name] ?? (value === undefined ? undefined : {});
      if (next === undefined) break;
      if (!isJsonObject(next))
        throw usageError(`${path}: ${name} is no group of decisions, but ${JSON.stringify(next)}.`);
      at[name] = next;
      at = next;
    }
    if (value === undefined) delete at[last];
    else at[last] = value;
  }
  return edited;
}

/** `path=value` of --set. */
export function parseSetting(text: string): { path: string; value: Json } {
  const at = text.indexOf("=");
  if (at < 1) throw usageError(`--set takes PATH=VALUE, not ${text}`, "For example: --set services.enable_redis=true");
  const raw = text.slice(at + 1);
  try {
    return { path: text.slice(0, at), value: JSON.parse(raw) as Json };
  } catch {
    return { path: text.slice(0, at), value: raw };
  }
}

function namesOf(path: string): string[] {
  const isPointer = path.startsWith("/");
  const names = isPointer
    ? path
        .slice(1)
        .split("/")
        .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"))
    : path.split(".");
  if (names.some((name) => name === "" || name === "__proto__")) throw usageError(`${path} is no path of a decision.`);
  return names;
}
