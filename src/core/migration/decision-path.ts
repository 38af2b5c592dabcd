import { type Json, type JsonObject, isJsonObject, pointerToken } from "#core/json.ts";

/** Decisions are named as in `x-depends-on`: `services.enable_redis`. */
export const pointerOfPath = (path: string): string => `/${path.split(".").map(pointerToken).join("/")}`;

export function read(data: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = data;
  for (const key of path.split(".")) value = isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}

/** Sets a decision, making the groups above it. False where something else than a group is in the way. */
export function write(data: JsonObject, path: string, value: Json): boolean {
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let group = data;
  for (const key of keys) {
    const next = Object.hasOwn(group, key) ? group[key] : undefined;
    if (next !== undefined && !isJsonObject(next)) return false;
    const made: JsonObject = next ?? {};
    if (next === undefined) group[key] = made;
    group = made;
  }
  group[last] = value;
  return true;
}

/** Takes a decision out, and with it the groups that are empty after that. Answers what stood there. */
export function take(data: JsonObject, path: string): Json | undefined {
  const value = read(data, path);
  if (value === undefined) return undefined;
  remove(data, path.split("."));
  return value;
}

function remove(group: JsonObject, [key = "", ...rest]: string[]): void {
  const below = group[key];
  if (rest.length > 0 && isJsonObject(below)) {
    remove(below, rest);
    if (Object.keys(below).length > 0) return;
  }
  delete group[key];
}

/** An empty group says what an absent one says. Those above `path` go, so that taking and giving back changes nothing. */
export function dropEmptyGroups(data: JsonObject, path: string): void {
  const keys = path.split(".").slice(0, -1);
  for (let length = keys.length; length > 0; length--) {
    const above = keys.slice(0, length);
    const group = read(data, above.join("."));
    if (isJsonObject(group) && Object.keys(group).length === 0) take(data, above.join("."));
  }
}
