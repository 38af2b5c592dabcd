import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type DecisionSchema, compileDecisionSchema } from "#core/decision-schema.ts";
import { type PreparedDecisions, prepareWith } from "#core/decisions.ts";
import type { JsonObject } from "#core/json.ts";
import type { Pack } from "#core/pack.ts";
import { packFromTree } from "#core/pack-tree.ts";
import { type CompiledPack, compilePack } from "#render/compile-pack.ts";
import type { RenderInput } from "#render/render-pack.ts";

/** The released packs of templates-fixtures with their cases, as the engine takes them. */
export type FixtureCase = { readonly name: string; readonly config: JsonObject; readonly prepared: PreparedDecisions };
export type FixturePack = {
  readonly name: string;
  readonly pack: Pack;
  readonly schema: DecisionSchema;
  readonly compiled: CompiledPack;
  readonly cases: readonly FixtureCase[];
};

const ROOT = join(import.meta.dirname, "../../templates-fixtures");

function readTree(folder: string, base = ""): [string, Uint8Array][] {
  return readdirSync(folder).flatMap((name): [string, Uint8Array][] => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return readTree(path, `${base}${name}/`);
    return [[base + name, new Uint8Array(readFileSync(path))]];
  });
}

function valueOf<T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error, null, 2));
  return result.value;
}

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

export function fixturePacks(): FixturePack[] {
  const lines = readdirSync(ROOT).filter((line) => isFolder(join(ROOT, line)));
  const releases = lines.flatMap((line) => readdirSync(join(ROOT, line)).map((version) => ({ line, version })));
  return releases
    .filter(({ line, version }) => isFolder(join(ROOT, line, version, "pack")))
    .map(({ line, version }) => {
      const folder = join(ROOT, line, version);
      const pack = valueOf(packFromTree(new Map(readTree(join(folder, "pack"))), { pack: line, version }));
      const schema = valueOf(compileDecisionSchema(pack.schema));
      const cases = readdirSync(join(folder, "cases")).map((name) => {
        const config = JSON.parse(readFileSync(join(folder, "cases", name, "config.json"), "utf8")) as JsonObject;
        return { name, config, prepared: valueOf(prepareWith(schema, config)) };
      });
      return { name: `${line} ${version}`, pack, schema, compiled: valueOf(compilePack(pack)), cases };
    });
}

export const inputOf = (prepared: PreparedDecisions, extra: Partial<RenderInput> = {}): RenderInput => ({
  decisions: prepared.effective,
  deploymentName: "test",
  marks: prepared.marks,
  ...extra,
});
