import { parseArgs } from "node:util";
import nunjucks from "nunjucks";
import { compilePack, type CompiledPack } from "#render/compile-pack.ts";
import { renderPack, type RenderInput } from "#render/render-pack.ts";
import { type BenchFixture, benchFixtures } from "./engine/bench-fixtures.ts";

/**
 * `npm run bench:engine -- [--quick]`: the engine (strict, all limits) against Nunjucks 3.2.4 (its evaluated code, cached) in one
 * process, on the fixture packs and generated ones. Each measured render gets a fresh copy of its decisions; outputs are compared first,
 * and each text is flattened, because that is when a rope is paid for. The first line says the ratios, the last one is JSON.
 */
type Texts = readonly string[];

const isText = (text: string) => text.trim() !== "";

function nunjucksEnvironment({ pack }: BenchFixture): nunjucks.Environment {
  const loader = {
    getSource: (name: string) => {
      const path = [`templates/${name}`, name].find((candidate) => candidate in pack.files);
      return path === undefined ? null : { src: pack.files[path] ?? "", path: name, noCache: false };
    },
  };
  const { trim_blocks: trimBlocks, lstrip_blocks: lstripBlocks } = pack.engine;
  const environment = new nunjucks.Environment(loader, { autoescape: false, trimBlocks, lstripBlocks });
  environment.addGlobal("secret", (reference: string, kind = "env", target?: string) => {
    const name = reference.replace(/^[a-z]+:\/\/(?:.*\/)?/, "");
    return `${name},type=${kind}${target === undefined ? "" : `,target=${target}`}`;
  });
  // The quoting filters are the engine's own: Nunjucks gets plain ones that do as little.
  environment.addFilter("quadlet_word", (value: unknown) => quote(String(value)));
  environment.addFilter("quadlet_text", (value: unknown) => String(value));
  environment.addFilter("quadlet_env", (value: unknown, name: string) => quote(`${name}=${String(value)}`));
  environment.addFilter("toJson", (value: unknown) => JSON.stringify(value));
  return environment;
}

const quote = (text: string): string =>
  /^[A-Za-z0-9._:/@,+=-]+$/.test(text)
    ? text
    : `"${text.replace(/["\\]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;

function renderNunjucks(environment: nunjucks.Environment, { pack }: BenchFixture, decisions: object): Texts {
  const context = { ...decisions, config: decisions, data: pack.data, leger: { deployment_name: "bench" } };
  const texts: string[] = [];
  for (const output of pack.outputs) {
    if (output.when !== undefined && environment.renderString(`{% if ${output.when} %}1{% endif %}`, context) === "")
      continue;
    const text = environment.getTemplate(output.template, true).render(context);
    if (isText(text)) texts.push(text);
  }
  return texts;
}

/** Conditions of outputs as templates of their own, so that Nunjucks keeps them compiled too. */
function withConditions(fixture: BenchFixture): BenchFixture {
  const files = { ...fixture.pack.files };
  for (const output of fixture.pack.outputs) {
    if (output.when !== undefined) files[`when-${output.output}`] = `{% if ${output.when} %}1{% endif %}`;
  }
  return { ...fixture, pack: { ...fixture.pack, files } };
}

function renderWithConditions(environment: nunjucks.Environment, fixture: BenchFixture, decisions: object): Texts {
  const context = { ...decisions, config: decisions, data: fixture.pack.data, leger: { deployment_name: "bench" } };
  const texts: string[] = [];
  for (const output of fixture.pack.outputs) {
    const isLeftOut =
      output.when !== undefined && environment.getTemplate(`when-${output.output}`, true).render(context) === "";
    if (isLeftOut) continue;
    const text = environment.getTemplate(output.template, true).render(context);
    if (isText(text)) texts.push(text);
  }
  return texts;
}

function inputOf(fixture: BenchFixture, decisions: Decisions, provenance = false): RenderInput {
  return { decisions, deploymentName: "bench", marks: fixture.marks, provenance };
}

function renderEngine(compiled: CompiledPack, input: RenderInput): Texts {
  const rendered = renderPack(compiled, input);
  if (!rendered.ok) throw new Error(JSON.stringify(rendered.error[0]));
  return rendered.value.files.map(({ text }) => text);
}

function compiledOf({ pack }: BenchFixture): CompiledPack {
  const compiled = compilePack(pack);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error[0]));
  return compiled.value;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** Until both have been compiled by the JavaScript engine's optimizer. */
const WARM_UP_MS = 800;

type Decisions = BenchFixture["decisions"];

/**
 * Median milliseconds of one run of each contender, in turns, so that all meet the same machine. Each run gets decisions that were just
 * copied, outside of the time that is taken.
 */
function race(
  source: Decisions,
  contenders: readonly ((decisions: Decisions) => unknown)[],
  budgetMs: number,
): number[] {
  const times = contenders.map((): number[] => []);
  const runAll = (isMeasured: boolean) => {
    contenders.forEach((contender, index) => {
      const decisions = structuredClone(source);
      const start = performance.now();
      contender(decisions);
      if (isMeasured) times[index]?.push(performance.now() - start);
    });
  };
  const warm = performance.now() + WARM_UP_MS;
  while (performance.now() < warm) runAll(false);
  const end = performance.now() + budgetMs;
  for (let round = 0; round < 5 || performance.now() < end; round++) runAll(true);
  return times.map(median);
}

type Row = {
  readonly name: string;
  readonly chars: number;
  readonly hot: number;
  readonly cold: number;
  readonly provenance: number;
  readonly ms: number;
};

function measure(original: BenchFixture, budgetMs: number): Row {
  const fixture = withConditions(original);
  const environment = nunjucksEnvironment(fixture);
  const compiled = compiledOf(original);
  const expected = renderNunjucks(nunjucksEnvironment(original), original, original.decisions).toSorted();
  const got = renderEngine(compiled, inputOf(original, original.decisions)).toSorted();
  const copies = new Set(original.pack.copies.map(({ path }) => original.pack.files[path]));
  const different = got.filter((text) => !copies.has(text)).findIndex((text, index) => text !== expected[index]);
  if (different !== -1)
    throw new Error(`${original.name}: outputs differ\n${got[different]}\n--- nunjucks\n${expected[different]}`);

  const source = original.decisions;
  const stock = (decisions: Decisions) => renderWithConditions(environment, fixture, decisions);
  const engine = (provenance: boolean) => (decisions: Decisions) =>
    renderEngine(compiled, inputOf(original, decisions, provenance));
  const [theirs = 0, ours = 0] = race(source, [stock, engine(false)], budgetMs);
  const [theirsToo = 0, traced = 0] = race(source, [stock, engine(true)], budgetMs / 2);
  const stockCold = (decisions: Decisions) => renderWithConditions(nunjucksEnvironment(fixture), fixture, decisions);
  const engineCold = (decisions: Decisions) => renderEngine(compiledOf(original), inputOf(original, decisions));
  const [theirsCold = 0, oursCold = 0] = race(source, [stockCold, engineCold], budgetMs / 2);
  const chars = got.reduce((sum, text) => sum + text.length, 0);
  return {
    name: original.name,
    chars,
    hot: theirs / ours,
    cold: theirsCold / oursCold,
    provenance: theirsToo / traced,
    ms: ours,
  };
}

function main(): void {
  const { values } = parseArgs({ options: { quick: { type: "boolean", default: false }, only: { type: "string" } } });
  const fixtures = benchFixtures().filter(({ name }) => values.only === undefined || name.includes(values.only));
  const rows = fixtures.map((fixture) => measure(fixture, values.quick ? 900 : 5000));
  const hot = rows.map((row) => row.hot);
  const summary = {
    hot_min: round(Math.min(...hot)),
    hot_median: round(median(hot)),
    cold_min: round(Math.min(...rows.map((row) => row.cold))),
    provenance_min: round(Math.min(...rows.map((row) => row.provenance))),
  };
  console.log(
    `Speed relative to Nunjucks 3.2.4: hot ${summary.hot_min}x at worst, ${summary.hot_median}x in the median; cold ${summary.cold_min}x; with provenance ${summary.provenance_min}x at worst.`,
  );
  console.log("\n| render | characters | ms | hot | cold | with provenance |\n|---|---|---|---|---|---|");
  for (const row of rows) {
    console.log(
      `| ${row.name} | ${row.chars} | ${row.ms.toFixed(2)} | ${row.hot.toFixed(2)} | ${row.cold.toFixed(2)} | ${row.provenance.toFixed(2)} |`,
    );
  }
  console.log(`\n${JSON.stringify(summary)}`);
}

const round = (value: number): number => Math.round(value * 100) / 100;

main();
