import { RE2JS } from "re2js";
import { type Json, type JsonObject, isJsonObject } from "#core/json.ts";

/** Texts of the kinds that decisions usually are: the first one that the schema takes is used. */
const TEXTS = [
  "sample", "example", "a", "Sample", "sample-1", "sample1", "example.com", "ai.example.com", "person@example.com",
  "https://example.com", "https://example.com/path", "http://127.0.0.1:8080", "http://example.com:8080/v1", "leger://sample",
  "/srv/sample", "/srv/data", "./sample", "10.88.7.0/24", "10.0.0.1", "127.0.0.1", "192.168.1.0/24", "fd00::/64", "::1",
  "10GB", "10G", "512MB", "512mb", "1g", "5m", "30s", "1h", "10", "1", "0", "8080", "8080:80", "v1.0.0", "1.0.0", "1.0",
  "docker.io/library/sample:1.0", "UTC", "Europe/Berlin", "en", "en-US", "de", "2026-01-31", "2026-01-31T12:00:00Z",
  "dc=example,dc=com", "cn=sample,dc=example,dc=com", "daily", "*-*-* 04:00:00", "a1b2c3d4", "0123456789abcdef",
  "00000000-0000-4000-8000-000000000000", "sample_name", "SAMPLE", "#336699", "Sample text", "",
] as const; // prettier-ignore

/**
 * A value that the node takes, or undefined where none is found: its first example, else what its bounds name, else the first of
 * a list of usual texts that its pattern and length let through. `nth` keeps the numbers of several decisions apart, since two ports of
 * one number would be a fault of the sample. The same arguments always give the same value.
 */
export function sampleValue(node: JsonObject, nth = 0): Json | undefined {
  const examples = Array.isArray(node["examples"]) ? node["examples"] : [];
  if (examples[0] !== undefined) return examples[0];
  if (node["const"] !== undefined) return node["const"];
  if (Array.isArray(node["enum"])) return node["enum"][0];
  if (node["default"] !== undefined) return node["default"];
  const type = Array.isArray(node["type"]) ? node["type"][0] : node["type"];
  switch (type) {
    case "boolean":
      return true;
    case "integer":
    case "number":
      return sampleNumber(node, nth);
    case "array":
      return sampleArray(node);
    case "object":
      return sampleObject(node);
    case "string":
      return sampleText(node);
    default:
      return undefined;
  }
}

const numberOf = (node: JsonObject, key: string) => (typeof node[key] === "number" ? node[key] : undefined);

function sampleNumber(node: JsonObject, nth: number): number | undefined {
  const step = numberOf(node, "multipleOf") ?? 1;
  const exclusive = numberOf(node, "exclusiveMinimum");
  const low = numberOf(node, "minimum") ?? (exclusive === undefined ? 1 : exclusive + step);
  const high = numberOf(node, "maximum") ?? Infinity;
  // of a range like that of ports, the middle: what is below may need a privilege, and is what services take by default
  const first = high - low > WIDE_RANGE && high !== Infinity ? low + WIDE_RANGE / 2 : low;
  const value = Math.ceil(first / step) * step;
  const apart = value + nth * step;
  return apart <= high ? apart : value <= high ? value : numberOf(node, "maximum");
}

const WIDE_RANGE = 40_000;

function sampleArray(node: JsonObject): Json[] | undefined {
  const length = Math.max(1, numberOf(node, "minItems") ?? 1);
  const item = isJsonObject(node["items"]) ? sampleValue(node["items"]) : "sample";
  return item === undefined || (length > 1 && node["uniqueItems"] === true)
    ? undefined
    : Array.from({ length }, () => item);
}

function sampleObject(node: JsonObject): JsonObject | undefined {
  const properties = isJsonObject(node["properties"]) ? node["properties"] : {};
  const required = Array.isArray(node["required"]) ? node["required"] : [];
  const made: JsonObject = {};
  for (const key of required) {
    const child = typeof key === "string" ? properties[key] : undefined;
    const value = isJsonObject(child) ? sampleValue(child) : undefined;
    if (typeof key !== "string" || value === undefined) return undefined;
    made[key] = value;
  }
  return made;
}

function sampleText(node: JsonObject): string | undefined {
  const least = numberOf(node, "minLength") ?? 0;
  const most = numberOf(node, "maxLength") ?? Infinity;
  const pattern = typeof node["pattern"] === "string" ? compiled(node["pattern"]) : null;
  const format = typeof node["format"] === "string" ? node["format"] : "";
  const isFormat = (text: string) =>
    format === "email" ? text.includes("@") : /^ur[il]/.test(format) ? text.startsWith("http") : true;
  const long = "abcdefghijklmnopqrstuvwxyz0123456789".repeat(Math.ceil(least / 36)).slice(0, least);
  return [...TEXTS.filter((text) => text !== ""), long, ""].find(
    (text) =>
      text.length >= least &&
      text.length <= most &&
      isFormat(text) &&
      (pattern === null || pattern.matcher(text).find()),
  );
}

function compiled(pattern: string): RE2JS | null {
  try {
    return RE2JS.compile(pattern);
  } catch {
    return null;
  }
}
