import type { DecisionSchema } from "#core/decision-schema.ts";
import { unknownDecisions } from "#core/decisions.ts";
import { type Json, type JsonObject, cloneJson, isJsonObject } from "#core/json.ts";

/** `left`: JSON Pointers into what was given. */
type Left = { configData: JsonObject; left: string[] };

/**
 * Decisions as an older schema version can have them: what it does not know stays behind, and is named. Releases that only add
 * decisions bring no migration, so nothing else says how to go back over them.
 */
export function leaveUnknown(schema: DecisionSchema, configData: JsonObject): Left {
  const data = cloneJson(configData);
  const unknown = unknownDecisions(schema, data);
  for (const pointer of unknown)
    remove(
      data,
      pointer
        .split("/")
        .slice(1)
        .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~")),
    );
  return { configData: data, left: unknown };
}

/** Takes a member out, and the groups that are empty after that. Unknown is never an item of a list, only a member of one. */
function remove(within: Json | undefined, [key = "", ...rest]: string[]): void {
  if (Array.isArray(within)) return remove(within[Number(key)], rest);
  if (!isJsonObject(within)) return;
  if (rest.length > 0) {
    const below = Object.hasOwn(within, key) ? within[key] : undefined;
    remove(below, rest);
    if (!isJsonObject(below) || Object.keys(below).length > 0) return;
  }
  delete within[key];
}
