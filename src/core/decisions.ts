import { type DecisionSchema, compileDecisionSchema } from "#core/decision-schema.ts";
import { didYouMean } from "#core/did-you-mean.ts";
import type { Finding } from "#core/finding.ts";
import { type Json, type JsonObject, cloneJson, isJsonObject, pointerToken } from "#core/json.ts";
import { type Result, err, ok } from "#core/result.ts";
import { explainViolation } from "#core/violation.ts";

/**
 * `config_data` as one pack sees it. `saved` is what the person set, without the decisions that do not apply, keys
 * sorted: it is what a version stores. `effective` adds the pack's defaults: it is what templates read. Pointers are
 * JSON Pointers into `effective` (marks) or into the given data (pruned).
 */
export type PreparedDecisions = {
  saved: JsonObject;
  effective: JsonObject;
  pruned: string[];
  warnings: Finding[];
  marks: { sensitive: string[]; secretRefs: string[] };
};

const SECRET_REFERENCE = /^(?:leger|keyvault|vault|env):\/\/[A-Za-z0-9._/-]{1,255}$/;

/**
 * Validates, prunes and completes `config_data` against a pack's schema. Refuses with every problem at once, each with
 * its JSON Pointer. A decision applies only while the ones named by its `x-depends-on` hold (DESIGN 7); one that does
 * not apply is neither validated nor required, has no default, and is reported in `pruned` if it had been set.
 */
export function prepareDecisions(schema: JsonObject, configData: JsonObject): Result<PreparedDecisions, Finding[]> {
  const compiled = compileDecisionSchema(schema);
  if (!compiled.ok) return compiled;
  return prepareWith(compiled.value, configData);
}

/** As `prepareDecisions`, for a caller that keeps the compiled schema. */
export function prepareWith(schema: DecisionSchema, configData: JsonObject): Result<PreparedDecisions, Finding[]> {
  const problems = unknownKeys(schema, [schema.root], { data: configData, pointer: "" });
  const complete = withDefaults(schema, schema.root, { value: configData, pointer: "" }) as JsonObject;
  const hidden = hiddenDecisions(schema, complete);
  const saved = sortKeys(without(configData, hidden, "")) as JsonObject;
  const effective = sortKeys(
    withDefaults(schema, schema.root, { value: without(complete, hidden, ""), pointer: "", hidden }),
  ) as JsonObject;

  const unknown = new Set(problems.map(({ decision }) => decision));
  // Judged as templates will read it: a default answers `required`, and decides an `if` like a value that was set.
  for (const violation of schema.violations(effective)) {
    const finding = explainViolation(schema, violation, { data: effective, hidden });
    if (finding && !unknown.has(finding.decision)) problems.push(finding);
  }
  const marks = { sensitive: [] as string[], secretRefs: [] as string[] };
  const warnings: Finding[] = [];
  eachDecision(schema, effective, (pointer, node, value) => {
    if (node["x-sensitive"] === true) marks.sensitive.push(pointer);
    if (node["x-confman-secret-ref"] === true) {
      marks.secretRefs.push(pointer);
      if (typeof value === "string" && value !== "" && !SECRET_REFERENCE.test(value))
        problems.push(literalSecret(pointer));
    }
    if (node["x-confman-deprecated"] !== undefined && valueAt(saved, pointer) !== undefined)
      warnings.push(deprecated(pointer, node));
  });
  if (problems.length > 0) return err(deduplicated(problems));
  const pruned = [...hidden].filter((pointer) => valueAt(configData, pointer) !== undefined).toSorted();
  return ok({ saved, effective, pruned, warnings, marks });
}

/** Calls back for every value of `data` that the schema describes, with its schema node; parents before children. */
export function eachDecision(
  schema: DecisionSchema,
  data: JsonObject,
  visit: (pointer: string, node: JsonObject, value: Json) => void,
): void {
  const walk = (node: JsonObject, value: Json, pointer: string): void => {
    if (pointer !== "") visit(pointer, node, value);
    if (isJsonObject(value)) {
      const own = schema.properties(node);
      const conditional = schema.mentioned(node);
      const open = isJsonObject(node["additionalProperties"]) ? node["additionalProperties"] : undefined;
      for (const key of new Set([...own.keys(), ...Object.keys(value)])) {
        const child = own.get(key) ?? conditional.get(key)?.[0] ?? open;
        const member = Object.hasOwn(value, key) ? value[key] : undefined;
        if (child && member !== undefined) walk(schema.folded(child), member, `${pointer}/${pointerToken(key)}`);
      }
    } else if (Array.isArray(value) && isJsonObject(node["items"])) {
      const items = schema.folded(node["items"]);
      value.forEach((item, index) => walk(items, item, `${pointer}/${index}`));
    }
  };
  walk(schema.folded(schema.root), data, "");
}

/** The value at a JSON Pointer, or undefined where there is none; own members only. */
export function valueAt(data: Json, pointer: string): Json | undefined {
  let value: Json | undefined = data;
  for (const token of pointer.split("/").slice(1)) {
    const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(value)) value = value[Number(key)];
    else value = isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}

/** JSON Pointers of what a schema does not know; of a group that it does not know, the group's. */
export const unknownDecisions = (schema: DecisionSchema, configData: JsonObject): string[] =>
  unknownKeys(schema, [schema.root], { data: configData, pointer: "" }).flatMap(({ decision }) => decision ?? []);

/** `nodes`: every subschema that the schema has for this place, conditional ones included. None: anything goes. */
function unknownKeys(schema: DecisionSchema, nodes: JsonObject[], at: { data: Json; pointer: string }): Finding[] {
  const { data, pointer } = at;
  const folded = nodes.map((node) => schema.folded(node));
  const below = (keyword: string) => folded.flatMap((node) => (isJsonObject(node[keyword]) ? [node[keyword]] : []));
  if (Array.isArray(data)) {
    const items = below("items");
    return data.flatMap((value, index) => unknownKeys(schema, items, { data: value, pointer: `${pointer}/${index}` }));
  }
  if (!isJsonObject(data) || nodes.length === 0) return [];
  const mentioned = new Map<string, JsonObject[]>();
  for (const node of nodes)
    for (const [key, found] of schema.mentioned(node)) mentioned.set(key, [...(mentioned.get(key) ?? []), ...found]);
  // Only an explicit `true` or a schema opens an object: absence means closed, whatever JSON Schema's default is.
  const members = below("additionalProperties");
  const isOpen = members.length > 0 || folded.some((node) => node["additionalProperties"] === true);
  return Object.entries(data).flatMap(([key, value]) => {
    const place = `${pointer}/${pointerToken(key)}`;
    const known = mentioned.get(key) ?? (isOpen ? members : undefined);
    if (known) return unknownKeys(schema, known, { data: value, pointer: place });
    const guess = didYouMean(key, mentioned.keys());
    return [
      {
        code: "unknown_decision",
        severity: "error",
        message: `"${key}" is no decision of this schema version${guess ? `; did you mean "${guess}"?` : "."}`,
        action: guess
          ? `Rename it to "${guess}" or remove it.`
          : `Remove it, or choose one of: ${listed(mentioned.keys())}.`,
        decision: place,
      },
    ];
  });
}

const listed = (keys: Iterable<string>) => {
  const all = [...keys];
  return all.length > 12 ? `${all.slice(0, 12).join(", ")}, …` : all.join(", ");
};

type Incomplete = { value: Json; pointer: string; hidden?: Set<string> };

function withDefaults(schema: DecisionSchema, node: JsonObject, { value, pointer, hidden }: Incomplete): Json {
  if (Array.isArray(value) && isJsonObject(node["items"])) {
    const items = schema.folded(node["items"]);
    return value.map((item, index) =>
      withDefaults(schema, items, { value: item, pointer: `${pointer}/${index}`, ...(hidden && { hidden }) }),
    );
  }
  if (!isJsonObject(value)) return value;
  const result: JsonObject = { ...value };
  for (const [key, child] of schema.properties(node)) {
    const below = `${pointer}/${pointerToken(key)}`;
    if (hidden?.has(below)) continue;
    const folded = schema.folded(child);
    const at = { pointer: below, ...(hidden && { hidden }) };
    if (Object.hasOwn(result, key)) {
      result[key] = withDefaults(schema, folded, { value: result[key] ?? null, ...at });
    } else if (folded["default"] !== undefined) {
      result[key] = withDefaults(schema, folded, { value: cloneJson(folded["default"]), ...at });
    } else if (folded["type"] === "object") {
      const made = withDefaults(schema, folded, { value: {}, ...at });
      if (isJsonObject(made) && Object.keys(made).length > 0) result[key] = made;
    }
  }
  return result;
}

/** Pointers of the decisions that do not apply, judged on the data with defaults; a hidden parent hides its children. */
function hiddenDecisions(schema: DecisionSchema, complete: JsonObject): Set<string> {
  const rules = rulesOf(schema);
  const known = new Map<string, boolean>();
  const isHidden = (pointer: string): boolean => {
    if (pointer === "") return false;
    const cached = known.get(pointer);
    if (cached !== undefined) return cached;
    known.set(pointer, false); // a cycle of dependencies hides nothing by itself
    const parent = pointer.slice(0, pointer.lastIndexOf("/"));
    const hidden = isHidden(parent) || (rules.get(pointer)?.some((rule) => !holds(rule)) ?? false);
    known.set(pointer, hidden);
    return hidden;
  };
  const holds = ({ pointer, wanted }: Rule): boolean => {
    if (isHidden(pointer)) return false;
    const value = valueAt(complete, pointer);
    return Array.isArray(wanted) ? wanted.some((option) => option === value) : wanted === value;
  };
  return new Set([...rules.keys()].filter(isHidden));
}

/** What `x-depends-on` of one decision asks of another. */
type Rule = { pointer: string; wanted: Json };
type Rules = ReadonlyMap<string, readonly Rule[]>;
const rulesBySchema = new WeakMap<DecisionSchema, Rules>();

/** By the pointer of the decision that they hide or show, in the order of the schema. They never change, and are read for every save. */
function rulesOf(schema: DecisionSchema): Rules {
  const known = rulesBySchema.get(schema);
  if (known) return known;
  const rules = new Map<string, readonly Rule[]>();
  const collect = (node: JsonObject, pointer: string, depth: number): void => {
    if (depth > NESTING_MAX) return;
    for (const [key, child] of schema.properties(node)) {
      const below = `${pointer}/${pointerToken(key)}`;
      const folded = schema.folded(child);
      const own = folded["x-depends-on"];
      if (isJsonObject(own))
        rules.set(
          below,
          Object.entries(own).map(([path, wanted]) => ({
            pointer: `/${path.split(".").map(pointerToken).join("/")}`,
            wanted,
          })),
        );
      collect(folded, below, depth + 1);
    }
  };
  collect(schema.root, "", 0);
  rulesBySchema.set(schema, rules);
  return rules;
}

const NESTING_MAX = 32;

function without(value: Json, hidden: Set<string>, pointer: string): Json {
  if (!isJsonObject(value) || hidden.size === 0) return value;
  const kept = Object.entries(value).flatMap(([key, child]) => {
    const below = `${pointer}/${pointerToken(key)}`;
    return hidden.has(below) ? [] : [[key, without(child, hidden, below)] as const];
  });
  return Object.fromEntries(kept);
}

function sortKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sortKeys(value[key] ?? null)]),
  );
}

const literalSecret = (pointer: string): Finding => {
  const name = pointer.split("/").at(-1) ?? "name";
  return {
    code: "secret_literal",
    severity: "error",
    message: "This decision takes a reference to a stored secret; the value given is not one, and was not stored.",
    action: `Store the value with: leger secrets set ${name}; then put "leger://${name}" here.`,
    decision: pointer,
  };
};

const deprecated = (pointer: string, node: JsonObject): Finding => ({
  code: "decision_deprecated",
  severity: "warning",
  message:
    typeof node["x-confman-deprecated"] === "string"
      ? node["x-confman-deprecated"]
      : "This decision is deprecated and will go away in a later schema version.",
  action: "Remove it when you can.",
  decision: pointer,
});

const deduplicated = (findings: Finding[]): Finding[] => [
  ...new Map(findings.map((finding) => [`${finding.code} ${finding.decision} ${finding.message}`, finding])).values(),
];
