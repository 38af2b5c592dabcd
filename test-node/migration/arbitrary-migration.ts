import fc from "fast-check";
import type { Json, JsonObject } from "#core/json.ts";
import type { Operation } from "#core/migration/migration.ts";

/** A decision of a generated schema: where it is and which values it takes. */
type Leaf = { path: string; values: Json[] };
export type GeneratedSchema = { leaves: Leaf[]; schema: JsonObject };

const GROUPS = ["", "web.", "web.tls.", "store.", "store.disk."];
const ENUM = ["red", "green", "blue", "black"];

/** Schemas of three to nine decisions in nested groups: enums, booleans, texts with a separator, numbers. */
export const anySchema: fc.Arbitrary<GeneratedSchema> = fc
  .array(fc.tuple(fc.constantFrom(...GROUPS), fc.constantFrom("enum", "boolean", "pair", "number")), {
    minLength: 3,
    maxLength: 9,
  })
  .map((parts) => {
    const leaves = parts.map(([group, kind], index): Leaf => ({ path: `${group}d${index}`, values: valuesOf(kind) }));
    return { leaves, schema: schemaOf(leaves) };
  });

const valuesOf = (kind: string): Json[] => {
  if (kind === "enum") return ENUM;
  if (kind === "boolean") return [false, true];
  return kind === "pair" ? ["a:b", "c:d", "left:right"] : [1, 2, 8080];
};

export function schemaOf(leaves: Leaf[]): JsonObject {
  const root: JsonObject = { type: "object", properties: {} };
  for (const { path, values } of leaves) {
    const keys = path.split(".");
    let node = root;
    for (const key of keys.slice(0, -1)) {
      const properties = node["properties"] as JsonObject;
      node = (properties[key] ??= { type: "object", properties: {} }) as JsonObject;
    }
    (node["properties"] as JsonObject)[keys.at(-1)!] = { enum: values };
  }
  return root;
}

/** Configurations of a schema: every decision set or not. Groups may be there and empty. */
export const anyConfiguration = ({ leaves }: GeneratedSchema): fc.Arbitrary<JsonObject> =>
  fc.tuple(...leaves.map(({ values }) => fc.option(fc.constantFrom(...values), { nil: undefined }))).map((chosen) => {
    const config: JsonObject = {};
    chosen.forEach((value, index) => {
      if (value === undefined) return;
      const keys = leaves[index]!.path.split(".");
      let group = config;
      for (const key of keys.slice(0, -1)) group = (group[key] ??= {}) as JsonObject;
      group[keys.at(-1)!] = value;
    });
    return config;
  });

/** One honest operation per chosen decision, none of which loses anything. `version` keeps the new names of a chain apart. */
export function anyOperations({ leaves }: GeneratedSchema, version: number): fc.Arbitrary<Operation[]> {
  const fresh = (path: string) => `v${version}.${path.replaceAll(".", "_")}`;
  const kinds = fc.constantFrom("none", "rename", "move", "map", "split", "default", "require");
  return fc.tuple(...leaves.map(() => kinds)).map((chosen) =>
    chosen.flatMap((kind, index): Operation[] => {
      const { path, values } = leaves[index]!;
      const isPair = typeof values[0] === "string" && values[0].includes(":");
      switch (kind) {
        case "rename":
          return [{ op: "rename", path, to: `renamed_in_${version}_${index}`, lossy: false }];
        case "move":
          return [{ op: "move", path, to: fresh(path), lossy: false }];
        case "map": {
          const turned = [...values.slice(1), values[0]!];
          const pairs = values.map((value, at) => [value, turned[at]!] as [string, string]);
          return [{ op: "map", path, values: pairs, lossy: false }];
        }
        case "split":
          if (isPair)
            return [
              { op: "split-text", path, separator: ":", into: [`${fresh(path)}.a`, `${fresh(path)}.b`], lossy: false },
            ];
          return [
            {
              op: "split",
              path,
              cases: values.map((value, at) => ({
                value: value as string,
                set: { [`${fresh(path)}.kind`]: at % 2, ...(at > 1 && { [`${fresh(path)}.more`]: `m${at}` }) },
              })),
              lossy: false,
            },
          ];
        case "default":
          return [{ op: "default", path: `${fresh(path)}_default`, value: index, lossy: false }];
        case "require":
          return [{ op: "require", path: `${fresh(path)}_input`, message: "Say it.", lossy: false }];
        default:
          return [];
      }
    }),
  );
}

/** What the decisions are called, and which values they take, after operations of `anyOperations`: what the next version starts from. */
export function leavesAfter(leaves: Leaf[], operations: Operation[]): Leaf[] {
  const byPath = new Map(operations.map((operation) => [operation.path, operation]));
  const kept = leaves.flatMap(({ path, values }): Leaf[] => {
    const operation = byPath.get(path);
    switch (operation?.op) {
      case "rename":
        return [{ path: [...path.split(".").slice(0, -1), operation.to].join("."), values }];
      case "move":
        return [{ path: operation.to, values }];
      case "split-text":
        return operation.into.map((part, at) => ({
          path: part,
          values: values.map((one) => (one as string).split(":")[at]!),
        }));
      case "split": {
        const sets = operation.cases.map(({ set }) => set);
        const targets = [...new Set(sets.flatMap((set) => Object.keys(set)))];
        return targets.map((target) => ({
          path: target,
          values: [...new Set(sets.flatMap((set) => (set[target] === undefined ? [] : [set[target]])))],
        }));
      }
      default:
        return [{ path, values }];
    }
  });
  const made = operations.flatMap((operation): Leaf[] => {
    if (operation.op === "default") return [{ path: operation.path, values: [operation.value] }];
    return operation.op === "require" ? [{ path: operation.path, values: ["given"] }] : [];
  });
  return [...kept, ...made];
}
