import { describe, expect, test } from "vitest";
import type { JsonObject } from "#core/json.ts";
import { analyzePack } from "#render/analyze-pack.ts";
import { lintPack } from "#render/lint-pack.ts";
import { compilePack } from "#render/compile-pack.ts";
import { renderPack } from "#render/render-pack.ts";
import { cpuOf } from "../cpu.ts";
import { compiledOf, inputOf, makePack } from "./make-pack.ts";

const CPU_MS_MAX = 250;
const FINDINGS_CHARS_MAX = 100_000;
/** To compile, render, analyze and lint a quarter of a megabyte. */
const CROWDED_MS_MAX = 2000;
const MANY = 20_000;
const many = (part: string, separator = ","): string => Array.from({ length: MANY }, () => part).join(separator);

/** What a render takes more of than one that was stopped may take, plainly and with provenance. */
function excessesOf(templates: Record<string, string>, decisions: JsonObject = {}): string[] {
  const compiled = compiledOf(makePack(templates));
  const excesses: string[] = [];
  for (const provenance of [false, true]) {
    const msMax = provenance ? 2 * CPU_MS_MAX : CPU_MS_MAX;
    const { value, ms } = cpuOf(() => renderPack(compiled, inputOf(decisions, { provenance })), msMax);
    const chars = JSON.stringify(value.ok ? [] : value.error).length;
    if (ms >= msMax) excesses.push(`${ms.toFixed(0)} ms ${provenance ? "with provenance" : "plainly"}`);
    if (chars >= FINDINGS_CHARS_MAX) excesses.push(`${chars} characters of findings`);
  }
  return excesses;
}

/** What a round runs costs a step for each few tokens of it, wherever they are. */
const LONG_CODE: Record<string, string> = {
  "a list": `{% set x = [${many("i")}] %}`,
  "a mapping": `{% set x = {${Array.from({ length: MANY }, (_, index) => `k${index}: i`).join(",")}} %}`,
  operators: `{% set x = [${many("not not not i")}] %}`,
  members: `{% set x = [${many("v.a.b.c")}] %}`,
  tests: `{% set x = [${many("i is odd")}] %}`,
  arguments: `{% set x = cycler(${many("i")}) %}`,
  conditions: many("{% if i %}{% endif %}", ""),
  assignments: many("{% set x = i %}", ""),
  outputs: `{% set y %}${many("{{ i }}", "")}{% endset %}`,
  cases: `{% switch i %}${many("{% case -1 %}", "")}{% endswitch %}`,
  "the body of a macro": "{{ m() }}",
  "a default": "{{ d() }}",
  "the body of a call": `{% call c() %}${many("{{ i }}", "")}{% endcall %}`,
  "an included template": "{% include '_long.txt' %}",
};

describe("long code in a loop is stopped", () => {
  const macros =
    `{% macro m() %}${many("{{ v }}", "")}{% endmacro %}` +
    `{% macro d(a = [${many("v.a")}]) %}{% endmacro %}{% macro c() %}{{ caller() }}{% endmacro %}`;

  test.each(Object.entries(LONG_CODE))("%s", (_name, code) => {
    const main = `${/m\(|d\(|c\(/.test(code) ? macros : ""}{% for i in range(9999) %}${code}{% endfor %}`;
    const templates = { "main.txt": main, "_long.txt": many("{{ v.one }}", "") };
    expect(excessesOf(templates, { v: { one: 1, a: { b: { c: 1 } } } })).toEqual([]);
  });

  test("a block that its heirs call several times", () => {
    const heir = (parent: string) => `{% extends '${parent}' %}{% block b %}${"{{ super() }}".repeat(8)}{% endblock %}`;
    const heirs = Object.fromEntries(
      Array.from({ length: 12 }, (_, index) => [
        index === 11 ? "main.txt" : `_${index}.txt`,
        heir(`_${index - 1}.txt`),
      ]),
    );
    expect(excessesOf({ ...heirs, "_-1.txt": `{% block b %}${many("{{ 1 }}", "")}{% endblock %}` })).toEqual([]);
  });
});

/** As large as decisions may be together, each. */
const LONG_VALUES: JsonObject = {
  text: "x".repeat(250_000),
  digits: "1".repeat(250_000),
  spaces: " ".repeat(250_000),
  wide: "\ufdfa ".repeat(60_000),
  list: Array.from({ length: 60_000 }, (_, index) => index),
  lists: Array.from({ length: 300 }, () => Array.from({ length: 300 }, () => 1)),
  texts: Array.from({ length: 30_000 }, (_, index) => `t${index}`),
  mapping: Object.fromEntries(Array.from({ length: 15_000 }, (_, index) => [`k${index}`, index])),
};

const WITH_LONG_VALUES = [
  "list == i",
  "list < i",
  "list * 2",
  "-lists",
  "list in 'abc'",
  "{a: 1}[list] is defined",
  "[list, lists] == i",
  "list == list",
  "list is eq(i)",
  "list is iterable",
  "{a: list} == i",
  "[[list], [list]] == i",
  "range(list)",
  "'x' | center(list)",
  "[1].concat(list)",
  "list.slice(1)",
  "text.indexOf(list)",
  "cycler(list)",
  "text ~ i == text ~ i",
  "text == text ~ ''",
  "text < text ~ i",
  "digits * 1",
  "digits == 5",
  "spaces == 5",
  "(text ~ i)[0]",
  "{a: 1}[text ~ i] is defined",
  "(text ~ i) in {a: 1}",
  "text is upper",
  "wide is lower",
  "'x'.repeat(250000)[1]",
  "'x'.padEnd(250000)[1]",
  "text.replaceAll('', i)",
  "text.split('') | length",
  "mapping.items()",
  "mapping.keys()",
  "mapping.itervalues()",
  "mapping | length",
  "mapping | list",
  "mapping | dictsort",
  "mapping | tojson",
  "mapping | urlencode",
  "mapping | quadlet_env",
  "mapping | dump(2)",
  "wide | systemd_escape",
  "wide | title",
  "wide | urlize",
  "wide | urlencode",
  "wide | sum('a')",
  "wide | batch(2)",
  "text | first",
  "text | list",
  "text | reverse",
  "text | escape",
  "text | wordcount",
  "wide | quadlet_env('A')",
  "texts | groupby('x')",
  "texts | batch(2)",
  "texts | sort",
  "texts | select('odd')",
  "secret(text ~ i)",
  "readFile(text ~ i)",
  "i | upper(text)",
  "'x' | fromJson(text)",
  "[1].index(text)",
  "mapping['x' ~ i]",
  "{a: 1}[text ~ i]",
  "text | selectattr(text)",
  "text | select(text)",
];

describe("long values in a loop are paid for", () => {
  test.each(WITH_LONG_VALUES)("%s", (expression) => {
    expect(
      excessesOf({ "main.txt": `{% for i in range(99999) %}{% set x = ${expression} %}{% endfor %}` }, LONG_VALUES),
    ).toEqual([]);
  });

  test.each([
    "{% include text ~ i ignore missing %}",
    "{% include text ~ i %}",
    "{% switch text ~ i %}{% case text ~ 0 %}{% endswitch %}",
  ])("%s", (code) => {
    expect(excessesOf({ "main.txt": `{% for i in range(9999) %}${code}{% endfor %}` }, LONG_VALUES)).toEqual([]);
  });
});

describe("the outputs of a pack share one budget", () => {
  const rounds = (count: number) => "{% for i in range(99999) %}{% endfor %}".repeat(count);
  const outputs = (template: string) =>
    Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`${index}.txt`, template]));

  test.each([
    ["that take long", rounds(4)],
    ["that fail at their end", `${rounds(2)}{{ nothing }}`],
    ["that fail at their start", `{{ nothing }}${rounds(4)}`],
    ["that are wrong about a decision", `{{ text | abs | upper }}${rounds(1)}`],
  ])("outputs %s", (_name, template) => {
    expect(excessesOf(outputs(template), LONG_VALUES)).toEqual([]);
  });

  test("and few faults in each are all reported", () => {
    const rendered = renderPack(compiledOf(makePack(outputs("{{ nothing }}\n{{ neither }}\n"))), inputOf({}));
    expect(rendered.ok ? [] : rendered.error).toHaveLength(200);
  });
});

test("code that would need too deep a stack is refused when it is read", () => {
  for (const operator of ["==", "<", "and", "in", "~", "is odd and i"]) {
    const pack = makePack({ "main.txt": `{{ i ${`${operator} i `.repeat(5000)} }}` });
    const compiled = compilePack(pack);
    expect(compiled.ok ? [] : compiled.error.map(({ code }) => code)).toContain("syntax");
  }
});

/** Sources in which each of many parts sees all others: what looks at each pair takes minutes, or all memory. */
const CROWDED: Record<string, string> = {
  "conditions around conditions":
    "{% if a %}".repeat(190) + "{% set x = 1 %}".repeat(10_000) + "{% endif %}".repeat(190),
  "loops around loops": "{% for b in a %}".repeat(190) + "{% set x = 1 %}".repeat(10_000) + "{% endfor %}".repeat(190),
  "loops that set": numbered(4000, (n) => `{% for i in a %}{% set n${n} = i %}{% endfor %}`),
  macros: numbered(4000, (n) => `{% macro n${n}(a, b) %}{{ a }}{% endmacro %}`),
  imports: numbered(4000, (n) => `{% import "_part.txt" as n${n} with context %}`),
  "includes among variables": numbered(4000, (n) => `{% set n${n} = 1 %}{% include "_part.txt" %}`),
};

function numbered(count: number, part: (n: number) => string): string {
  return Array.from({ length: count }, (_, index) => part(index)).join("");
}

test.each(Object.entries(CROWDED))("crowded sources take no longer than their length: %s", (_name, source) => {
  const pack = makePack({ "main.txt": source, "_part.txt": "" });
  const { ms } = cpuOf(() => {
    const compiled = compiledOf(pack);
    renderPack(compiled, inputOf({ a: [1] }, { provenance: true }));
    return [analyzePack(compiled), lintPack(compiled)];
  }, CROWDED_MS_MAX);
  expect(ms).toBeLessThan(CROWDED_MS_MAX);
});
