import type { OutputUnit } from "@cfworker/json-schema";
import type { DecisionSchema } from "#core/decision-schema.ts";
import { didYouMean } from "#core/did-you-mean.ts";
import type { Finding } from "#core/finding.ts";
import { type Json, type JsonObject, isJsonObject, pointerToken } from "#core/json.ts";

/**
 * One leaf error of the JSON Schema library in the user's words, or null where it says nothing that stands (a required
 * decision that does not apply, an unknown key that is reported with its did-you-mean). The value itself is never
 * repeated: it might be a secret in the wrong place.
 */
export function explainViolation(
  schema: DecisionSchema,
  violation: OutputUnit,
  context: { data: JsonObject; hidden: Set<string> },
): Finding | null {
  const pointer = decodeURI(violation.instanceLocation.slice(1));
  const { node, value } = locate(schema, context.data, pointer);
  const finding = (message: string, action: string, decision = pointer): Finding => ({
    code: `decision_${codeOf(violation.keyword)}`,
    severity: "error",
    message,
    action,
    decision,
  });
  switch (violation.keyword) {
    case "required":
    case "dependentRequired": {
      const key = /"([^"]*)"\.?$/.exec(violation.error)?.[1] ?? "";
      const below = `${pointer}/${pointerToken(key)}`;
      if (context.hidden.has(below)) return null;
      return finding(`The decision "${key}" is missing.`, `Set ${below}.`, below);
    }
    case "type":
      return finding(`Must be ${expected(node)}, but is ${article(typeName(value))}.`, `Give ${expected(node)}.`);
    case "enum": {
      const options = Array.isArray(node["enum"]) ? node["enum"].map((option) => JSON.stringify(option)) : [];
      const guess = typeof value === "string" ? didYouMean(JSON.stringify(value), options) : null;
      return finding(
        `Must be one of ${options.join(", ")}${guess ? `; did you mean ${guess}?` : "."}`,
        "Choose one of them.",
      );
    }
    case "const":
      return finding(`Must be ${JSON.stringify(node["const"] ?? null)}.`, "Set that value.");
    case "format":
      return finding(formatMessage(node), "Correct the value to that form.");
    case "additionalProperties":
    case "unevaluatedProperties":
      return null; // the key itself follows as "false"
    case "false":
      return { ...finding("This decision is not allowed here.", "Remove it."), code: "unknown_decision" };
    default:
      return finding(boundMessage(violation, node), "Correct the value, or remove it to get the default.");
  }
}

const codeOf = (keyword: string) =>
  ({
    type: "wrong_type",
    required: "missing",
    dependentRequired: "missing",
    enum: "not_allowed",
    const: "not_allowed",
    format: "bad_format",
  })[keyword] ?? "out_of_bounds";

function locate(schema: DecisionSchema, data: JsonObject, pointer: string): { node: JsonObject; value: Json } {
  let node = schema.folded(schema.root);
  let value: Json = data;
  for (const token of pointer.split("/").slice(1)) {
    const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
    const child: JsonObject | undefined = Array.isArray(value)
      ? isJsonObject(node["items"])
        ? node["items"]
        : undefined
      : (schema.properties(node).get(key) ?? schema.mentioned(node).get(key)?.[0] ?? openMember(node));
    value = Array.isArray(value) ? (value[Number(key)] ?? null) : isJsonObject(value) ? (value[key] ?? null) : null;
    node = schema.folded(child ?? {});
  }
  return { node, value };
}

const openMember = (node: JsonObject) =>
  isJsonObject(node["additionalProperties"]) ? node["additionalProperties"] : undefined;

const typeName = (value: Json) =>
  value === null ? "null" : Array.isArray(value) ? "array" : typeof value === "object" ? "object" : typeof value;

const article = (name: string) => (name === "null" ? name : `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`);

const expected = (node: JsonObject) => {
  const types = Array.isArray(node["type"]) ? node["type"] : [node["type"] ?? "value"];
  return types.map((type) => article(typeof type === "string" ? type : "value")).join(" or ");
};

function formatMessage(node: JsonObject): string {
  const example = Array.isArray(node["examples"]) ? `, for example ${JSON.stringify(node["examples"][0])}` : "";
  return typeof node["pattern"] === "string"
    ? `Does not have the form ${node["pattern"]}${example}.`
    : `Is no valid ${typeof node["format"] === "string" ? node["format"] : "value"}${example}.`;
}

function boundMessage(violation: OutputUnit, node: JsonObject): string {
  const bound = node[violation.keyword];
  const sentences: Record<string, string> = {
    minimum: "Must be at least",
    maximum: "Must be at most",
    exclusiveMinimum: "Must be more than",
    exclusiveMaximum: "Must be less than",
    multipleOf: "Must be a multiple of",
    minLength: "Must have this many characters or more:",
    maxLength: "Must have this many characters or fewer:",
    minItems: "Must have this many entries or more:",
    maxItems: "Must have this many entries or fewer:",
  };
  const sentence = sentences[violation.keyword];
  if (sentence !== undefined && typeof bound === "number") return `${sentence} ${bound}.`;
  if (violation.keyword === "uniqueItems") return "Has the same entry twice.";
  return `Does not satisfy the schema's ${violation.keyword}.`;
}
