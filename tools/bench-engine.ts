import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { JsonObject } from "#core/json.ts";
import { compilePack, type CompiledPack, type OutputPlan } from "#render/compile-pack.ts";
import { renderPack } from "#render/render-pack.ts";
import { PACK_GLOBALS, RenderWorld } from "#render/render-world.ts";
import { Instance } from "#render/run.ts";
import { type BenchFixture, benchFixtures, LOOPS } from "./engine/bench-fixtures.ts";
import { NunjucksSide } from "./engine/nunjucks-side.ts";
import { type OtherEngine, otherEngines } from "./engine/other-engines.ts";
import { type Budget, type Contender, median, race } from "./engine/race.ts";

/**
 * `npm run bench:engine -- [--quick] [--only NAME] [--write]`: the engine against Nunjucks 3.2.4 (its evaluated code, cached) in one process,
 * on the fixture packs and generated ones. Hot is templates against templates: contexts made anew, marked decisions closed up, strict,
 * all limits, printed values of units checked. Whole is the product's `renderPack`, which also sorts and collects files and secrets; so
 * are cold and with provenance. Outputs are compared first. The first line says the ratios, the last one is JSON. `--write` puts the
 * tables into docs/design/engine.md.
 */
function compiledOf({ pack }: BenchFixture): CompiledPack {
  const compiled = compilePack(pack);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error[0]));
  return compiled.value;
}

class EngineSide {
  readonly #fixture: BenchFixture;
  readonly #compiled: CompiledPack;

  constructor(fixture: BenchFixture) {
    this.#fixture = fixture;
    this.#compiled = compiledOf(fixture);
  }

  render(decisions: JsonObject, provenance = false): string[] {
    const { marks } = this.#fixture;
    const rendered = renderPack(this.#compiled, { decisions, deploymentName: "bench", marks, provenance });
    if (!rendered.ok) throw new Error(JSON.stringify(rendered.error[0]));
    return rendered.value.files.map(({ text }) => text);
  }

  /** The templates alone, as `NunjucksSide` renders them: each output's condition, its template, no file of white space only. */
  renderTemplates(decisions: JsonObject): string[] {
    const { marks } = this.#fixture;
    const world = new RenderWorld(this.#compiled, { decisions, deploymentName: "bench", marks });
    const texts: string[] = [];
    for (const plan of this.#compiled.plans) {
      if (plan.condition !== null && runTemplate(world, plan, { path: plan.condition, isUnit: false }) === "") continue;
      const text = runTemplate(world, plan, { path: plan.output.template, isUnit: plan.isUnit });
      if (text.trim() !== "") texts.push(text);
    }
    return texts;
  }
}

function runTemplate(world: RenderWorld, plan: OutputPlan, template: { path: string; isUnit: boolean }): string {
  const { run, programs } = world.attempt(plan, template);
  const program = programs(template.path);
  if (program === null) throw new Error(`no template ${template.path}`);
  return program.render(run, new Instance(world.values(plan), PACK_GLOBALS, program), null);
}

type Row = {
  readonly name: string;
  readonly chars: number;
  readonly ms: number;
  readonly hot: number;
  readonly whole: number;
  readonly cold: number;
  readonly provenance: number;
};

function checkOutputs(fixture: BenchFixture): number {
  const { pack, decisions } = fixture;
  const copies = new Set(pack.copies.map(({ path }) => pack.files[path]));
  const expected = new NunjucksSide(fixture).render(decisions).toSorted();
  const engine = new EngineSide(fixture);
  for (const texts of [engine.renderTemplates(decisions), engine.render(decisions), engine.render(decisions, true)]) {
    const got = texts.filter((text) => !copies.has(text)).toSorted();
    const different = expected.findIndex((text, index) => text !== got[index]);
    if (different !== -1 || got.length !== expected.length)
      throw new Error(`${fixture.name}: outputs differ\n${got[different]}\n--- nunjucks\n${expected[different]}`);
  }
  return expected.reduce((sum, text) => sum + text.length, 0);
}

/**
 * What is shared by all templates (the engine's code; Nunjucks' frames and filters) is warm only when it has met all of them, as in
 * a process that serves many packs. Both sides meet all of them: else the first fixture would find a Nunjucks that knows only one. Twice:
 * what the last fixtures bring makes V8 compile again what the first ones run.
 */
function warmUp(fixtures: readonly BenchFixture[], ms: number): void {
  for (const fixture of [...fixtures, ...fixtures]) {
    const engine = new EngineSide(fixture);
    const stock = new NunjucksSide(fixture);
    const end = performance.now() + ms;
    while (performance.now() < end) {
      stock.render(structuredClone(fixture.decisions));
      engine.renderTemplates(structuredClone(fixture.decisions));
      engine.render(structuredClone(fixture.decisions));
      engine.render(structuredClone(fixture.decisions), true);
    }
  }
}

type Times = { readonly hot: Budget; readonly cold: Budget; readonly warmUpMs: number };
const QUICK: Times = { hot: { warmUpMs: 350, ms: 1300 }, cold: { warmUpMs: 100, ms: 500 }, warmUpMs: 125 };
const LONG: Times = { hot: { warmUpMs: 2000, ms: 9000 }, cold: { warmUpMs: 1000, ms: 4000 }, warmUpMs: 1000 };

function measure(fixture: BenchFixture, times: Times): Row {
  const chars = checkOutputs(fixture);
  const stock = new NunjucksSide(fixture);
  const engine = new EngineSide(fixture);
  const [, hot, whole, traced] = race(
    fixture.decisions,
    [
      (decisions) => stock.render(decisions),
      (decisions) => engine.renderTemplates(decisions),
      (decisions) => engine.render(decisions),
      (decisions) => engine.render(decisions, true),
    ],
    times.hot,
  );
  const [, cold] = race(
    fixture.decisions,
    [
      (decisions) => new NunjucksSide(fixture).render(decisions),
      (decisions) => new EngineSide(fixture).render(decisions),
    ],
    times.cold,
  );
  return {
    name: fixture.name,
    chars,
    ms: hot?.ms ?? 0,
    hot: hot?.speed ?? 0,
    whole: whole?.speed ?? 0,
    cold: cold?.speed ?? 0,
    provenance: traced?.speed ?? 0,
  };
}

const tableOf = (rows: readonly Row[]): string =>
  [
    "| render | characters | ms | hot | whole | cold | with provenance |",
    "|---|---|---|---|---|---|---|",
    ...rows.map(({ name, chars, ms, hot, whole, cold, provenance }) => {
      const figures = [ms, hot, whole, cold, provenance].map((figure) => figure.toFixed(2));
      return `| ${[name, chars, ...figures].join(" | ")} |`;
    }),
  ].join("\n");

/** The loops of a thousand services in other languages; speed is relative to Nunjucks, hot. */
function otherTable(fixtures: readonly BenchFixture[]): string {
  const fixture = fixtures.find(({ name }) => name === LOOPS);
  if (fixture === undefined) return "";
  const stock = new NunjucksSide(fixture);
  const [expected] = stock.render(fixture.decisions);
  const engines = otherEngines();
  for (const { name, render } of engines) {
    if (render(fixture.decisions) !== expected) throw new Error(`${name} renders another text`);
  }
  const contenders = [(decisions: JsonObject) => stock.render(decisions), ...engines.map(flattened)];
  const results = race(fixture.decisions, contenders, LONG.hot).slice(1);
  const lines = engines.map(({ name }, index) => `| ${name} | ${(results[index]?.speed ?? 0).toFixed(2)} |`);
  return ["| other engines, 1,000 services in loops | hot |", "|---|---|", ...lines].join("\n");
}

/** Reading the text flattens it, as both sides of the race do. */
const flattened =
  ({ render }: OtherEngine): Contender =>
  (decisions) =>
    String(render(decisions)).trim();

function main(): void {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      write: { type: "boolean", default: false },
    },
  });
  const fixtures = benchFixtures().filter(({ name }) => values.only === undefined || name.includes(values.only));
  const times = values.quick ? QUICK : LONG;
  warmUp(fixtures, times.warmUpMs);
  const rows = fixtures.map((fixture) => measure(fixture, times));
  const hot = rows.map((row) => row.hot);
  const summary = {
    hot_min: round(Math.min(...hot)),
    hot_median: round(median(hot)),
    whole_min: round(Math.min(...rows.map((row) => row.whole))),
    cold_min: round(Math.min(...rows.map((row) => row.cold))),
    provenance_min: round(Math.min(...rows.map((row) => row.provenance))),
  };
  const tables = [tableOf(rows), values.quick ? "" : otherTable(fixtures)].filter((table) => table !== "");
  console.log(
    `Speed relative to Nunjucks 3.2.4: hot ${summary.hot_min}x at worst, ${summary.hot_median}x in the median; the whole render ${summary.whole_min}x; cold ${summary.cold_min}x; with provenance ${summary.provenance_min}x at worst.`,
  );
  console.log(`\n${tables.join("\n\n")}`);
  if (values.write) writeTables(tables.join("\n\n"));
  console.log(`\n${JSON.stringify(summary)}`);
}

const PAGE = join(import.meta.dirname, "../docs/design/engine.md");
const [BEGIN, END] = ["<!-- bench:engine -->", "<!-- /bench:engine -->"];

/** Puts the tables into the engine's page, between its two marks. */
function writeTables(tables: string): void {
  const page = readFileSync(PAGE, "utf8");
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (before === -1 || after < before) throw new Error(`${PAGE} has no place for the tables: ${BEGIN} ... ${END}`);
  writeFileSync(PAGE, `${page.slice(0, before)}${BEGIN}\n\n${tables}\n\n${page.slice(after)}`);
}

const round = (value: number): number => Math.round(value * 100) / 100;

main();
