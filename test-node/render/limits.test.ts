import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "#core/json.ts";
import { compilePack } from "#render/compile-pack.ts";
import { renderPack } from "#render/render-pack.ts";
import { cpuOf } from "../cpu.ts";
import { compiledOf, inputOf, makePack } from "./make-pack.ts";

const CPU_MS_MAX = 250;

const HOSTILE: Record<string, string> = {
  "a giant range": "{% for i in range(1000000000) %}x{% endfor %}",
  "a backward range": "{{ range(0, -1000000000, -1) | length }}",
  "a range without end": "{{ range(0, 10, 0.0000000001) | length }}",
  "nested loops": "{% for a in range(9999) %}{% for b in range(9999) %}{{ b }}{% endfor %}{% endfor %}",
  "empty nested loops": "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}",
  "loops over text": "{% set t = 'x'.repeat(99999) %}{% for a in t %}{% for b in t %}{% endfor %}{% endfor %}",
  "a recursive macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
  "a macro that calls itself twice": "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
  "macros that fan out":
    "{% macro a() %}{% for i in range(99) %}{{ b() }}{% endfor %}{% endmacro %}{% macro b() %}{% for i in range(99) %}{{ c() }}{% endfor %}{% endmacro %}{% macro c() %}{% for i in range(99) %}x{% endfor %}{% endmacro %}{{ a() }}",
  "a file that includes itself": "{% include 'main.txt.j2' %}",
  "a file that imports itself": "{% import 'main.txt.j2' as me %}",
  "a file that extends itself": "{% extends 'main.txt.j2' %}",
  "a block that runs itself": "{% block a %}{% include 'main.txt.j2' %}{% endblock %}",
  "a caller that calls itself":
    "{% macro m() %}{{ caller() }}{% endmacro %}{% macro n() %}{% call m() %}{{ n() }}{% endcall %}{% endmacro %}{{ n() }}",
  "an exponential string": "{% set t = 'x' %}{% for i in range(99) %}{% set t = t ~ t %}{% endfor %}{{ t }}",
  "an exponential sum": "{% set t = 'x' %}{% for i in range(99) %}{% set t = t + t %}{% endfor %}{{ t }}",
  "an exponential list": "{% set t = [1] %}{% for i in range(99) %}{% set t = [t, t] %}{% endfor %}{{ t }}",
  "an exponential list as JSON":
    "{% set t = [1] %}{% for i in range(99) %}{% set t = [t, t] %}{% endfor %}{{ t | toJson }}",
  "an exponential list joined":
    "{% set t = [1] %}{% for i in range(60) %}{% set t = [t, t] %}{% endfor %}{{ t | join(',') }}",
  "a doubling concat": "{% set t = [1] %}{% for i in range(99) %}{% set t = t.concat(t) %}{% endfor %}{{ t.length }}",
  "a growing capture":
    "{% set t = 'x' %}{% for i in range(40) %}{% set t %}{{ t }}{{ t }}{% endset %}{% endfor %}{{ t }}",
  "replace that explodes": "{% set t = 'x'.repeat(9999) %}{{ t | replace('x', t) | replace('x', t) }}",
  "replace by nothing": "{% set t = 'x'.repeat(99999) %}{{ t | replace('', t) }}",
  center: "{{ 'x' | center(1000000000) }}",
  indent: "{{ 'a\nb\nc' | indent(1000000000) }}",
  "repeat and pad": "{{ 'x'.repeat(1000000000) }}{{ 'x'.padEnd(1000000000) }}",
  batch: "{{ [1] | batch(1000000000, 'x') }}",
  slice: "{{ [1] | slice(1000000000) }}",
  "join with a long separator": "{% set t = 'x'.repeat(99999) %}{{ range(9999) | join(t) }}",
  "quadratic tags": "{{ '<a'.repeat(99999) | striptags }}",
  "quadratic white space": "{{ (' '.repeat(99999) ~ 'x') | trim }}{{ (' '.repeat(99999) ~ 'x') | striptags(true) }}",
  "a catastrophic pattern": "{{ ('a'.repeat(9999) ~ 'b') | replace(r/(a+)+c/g, 'x') }}",
  "long words as links": "{{ ('www.' ~ 'a.'.repeat(49999)) | urlize }}",
  "sort in a loop": "{% set l = range(9999) %}{% for i in l %}{% set s = l | sort(true) %}{% endfor %}",
  "a search in a loop": "{% set l = range(99999) %}{% for i in l %}{{ -1 in l }}{% endfor %}",
  "a text search in a loop": "{% set t = 'x'.repeat(999999) %}{% for i in range(99999) %}{{ 'y' in t }}{% endfor %}",
  "methods in a loop": "{% set t = 'x'.repeat(999999) %}{% for i in range(99999) %}{{ t.indexOf('y') }}{% endfor %}",
  "group and sort":
    "{% for i in range(9999) %}{{ range(9999) | batch(1) | groupby(0) | dictsort | length }}{% endfor %}",
  "faults without end": "{% for i in range(99999) %}{{ nothing_here }}{% endfor %}",
  "faults in nested loops": "{% for i in range(999) %}{% for j in range(999) %}{{ 5 | upper }}{% endfor %}{% endfor %}",
  "output without end": "{% for i in range(9999) %}{{ 'x'.repeat(999) }}{% endfor %}",
};

describe("hostile templates end in a finding within 250 ms of CPU", () => {
  // The first render of a process also compiles the engine's own code.
  renderPack(
    compiledOf(makePack({ "main.txt.j2": "{% for i in range(9) %}{{ i | upper if false }}{% endfor %}" })),
    inputOf({}),
  );

  test.each(Object.entries(HOSTILE))("%s", (_name, template) => {
    const compiled = compiledOf(makePack({ "main.txt.j2": template }));
    const { value, ms } = cpuOf(() => renderPack(compiled, inputOf({})), CPU_MS_MAX);
    const codes = value.ok ? [] : value.error.map(({ code }) => code);
    const files = value.ok ? [] : value.error.map(({ place }) => place?.file);
    const chars = value.ok ? value.value.files.reduce((sum, { text }) => sum + text.length, 0) : 0;
    expect(new Set(files)).toEqual(new Set(value.ok ? [] : ["templates/main.txt.j2"]));
    expect(chars).toBeLessThan(1_100_000);
    expect(ms, codes.join()).toBeLessThan(CPU_MS_MAX);
  });

  test.each(["with provenance", "lenient"])("%s too", (how) => {
    for (const [name, template] of Object.entries(HOSTILE)) {
      const compiled = compiledOf(makePack({ "main.txt.j2": template }));
      const extra = how === "lenient" ? ({ mode: "lenient" } as const) : { provenance: true };
      const { ms } = cpuOf(() => renderPack(compiled, inputOf({}, extra)), 2 * CPU_MS_MAX);
      expect(ms, name).toBeLessThan(2 * CPU_MS_MAX);
    }
  });
});

const nested = (depth: number): Json => (depth === 0 ? "x" : { k: nested(depth - 1), l: [nested(0)] });

/** As large as a configuration may be (256 KiB of JSON), and larger, in the shapes that cost most. */
const HOSTILE_VALUES: Record<string, Json> = {
  "a long text": "x".repeat(500_000),
  "white space": " ".repeat(300_000),
  brackets: "<".repeat(300_000),
  quotes: '"'.repeat(300_000),
  "line breaks": "\n".repeat(300_000),
  "links and dots": "www.a.".repeat(50_000),
  "wide characters": "\ufdfa".repeat(100_000),
  "a list of texts": Array.from({ length: 60_000 }, (_, index) => `t${index}`),
  "a list of lists": Array.from({ length: 300 }, () => Array.from({ length: 300 }, () => 1)),
  "a mapping of many": Object.fromEntries(Array.from({ length: 30_000 }, (_, index) => [`k${index}`, index])),
  "a deep mapping": nested(64),
};

const WORK = [
  "{{ v }}",
  "{{ v | quadlet_word }}{{ v | quadlet_text }}",
  "{{ v | upper | title | trim | urlize | striptags(true) | nl2br | wordcount }}",
  "{{ v | replace(r/(x+x+)+y/g, 'z') | truncate(5) }}",
  "{{ v | toJson | fromJson | toJson | length }}",
  "{{ v | sort | reverse | join(',') }}{{ v | dictsort | length }}{{ v | batch(2) | length }}",
  "{% for a in v %}{% for b in v %}{{ a }}{% endfor %}{% endfor %}",
  "{% for a in v %}{{ a in v }}{% endfor %}",
  "{% for a in v %}{% for b in v %}{{ v }}{% endfor %}{% endfor %}",
  "{% for a in v %}{{ v | join(a) }}{% endfor %}",
  "{% for a in v %}{{ v | string | upper | length }}{{ v.toString() }}{% endfor %}",
  "{% for k, b in v %}{{ k }}{% endfor %}",
  "{% for k, b in v %}{{ b | default(v) | wordcount }}{% endfor %}",
];

test.each(Object.entries(HOSTILE_VALUES))("hostile values end within 250 ms of CPU: %s", (_name, v) => {
  for (const output of ["main.txt", "main.container"]) {
    for (const work of WORK) {
      const compiled = compiledOf(makePack({ [output]: `${work}\n` }));
      const { ms } = cpuOf(() => renderPack(compiled, inputOf({ v })), CPU_MS_MAX);
      expect(ms, `${output}: ${work}`).toBeLessThan(CPU_MS_MAX);
    }
  }
});

describe("hostile sources end in a finding within 250 ms of CPU", () => {
  test.each([
    ["parentheses", "{{ " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + " }}"],
    ["brackets", "{{ " + "[".repeat(100_000)],
    ["not", "{{ " + "not ".repeat(100_000) + "x }}"],
    ["minus", "{{ " + "-".repeat(100_000) + "1 }}"],
    ["nested ifs", "{% if x %}".repeat(20_000)],
    ["nested loops", "{% for a in b %}".repeat(20_000) + "{% endfor %}".repeat(20_000)],
    ["opened raw blocks", "{% raw %}" + "{%".repeat(200_000)],
    ["spaces before a tag", " ".repeat(400_000) + "x{%- if true %}{% endif %}"],
    ["braces", "{".repeat(400_000)],
    ["sums", "{{ 1" + " + 1".repeat(50_000) + " }}"],
    ["calls", "{{ a" + "()".repeat(100_000) + " }}"],
    ["members", "{{ a" + ".b".repeat(100_000) + " }}"],
    ["filters", "{{ a" + " | upper".repeat(50_000) + " }}"],
    ["too long", "x".repeat(600_000)],
  ])("%s", (_name, source) => {
    const { value, ms } = cpuOf(() => {
      const compiled = compilePack(makePack({ "main.txt.j2": source }));
      return compiled.ok ? renderPack(compiled.value, inputOf({})) : compiled;
    }, 2 * CPU_MS_MAX);
    expect(ms, value.ok ? "" : value.error[0]?.code).toBeLessThan(2 * CPU_MS_MAX);
  });
});

describe("limits are where they are said to be", () => {
  const codes = (template: string, limits: object, decisions: JsonObject = {}) => {
    const rendered = renderPack(compiledOf(makePack({ "main.txt.j2": template })), inputOf(decisions, { limits }));
    return rendered.ok ? [] : rendered.error.map(({ code }) => code);
  };

  test.each([
    ["steps", "{% for i in range(50) %}{% endfor %}", { steps: 150 }, { steps: 90 }, "limit_steps"],
    ["loop", "{% for i in list %}{% endfor %}", { rangeItems: 3 }, { rangeItems: 2 }, "limit_loop"],
    ["range", "{{ range(10) | length }}", { rangeItems: 10 }, { rangeItems: 9 }, "limit_loop"],
    ["string", "{{ 'x'.repeat(10) }}", { stringChars: 10 }, { stringChars: 9 }, "limit_string"],
    ["file", "xxxxxxxxxx", { fileChars: 10 }, { fileChars: 9 }, "limit_output_file"],
    ["total", "xxxxxxxxxx", { totalChars: 10 }, { totalChars: 9 }, "limit_output_total"],
    ["files", "x", { files: 1 }, { files: 0 }, "limit_output_files"],
    [
      "depth",
      "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}x{% endmacro %}{{ a() }}",
      { depth: 2 },
      { depth: 1 },
      "limit_depth",
    ],
  ] as const)("%s", (...[, template, enough, tooFew, code]) => {
    expect(codes(template, enough, { list: [1, 2, 3] })).toEqual([]);
    expect(codes(template, tooFew, { list: [1, 2, 3] })).toEqual([code]);
  });

  test("steps are counted over all outputs together", () => {
    const loop = "{% for i in range(60) %}{% endfor %}x";
    const compiled = compiledOf(makePack({ "a.txt.j2": loop, "b.txt.j2": loop }));
    expect(renderPack(compiled, inputOf({}, { limits: { steps: 300 } })).ok).toBe(true);
    const rendered = renderPack(compiled, inputOf({}, { limits: { steps: 200 } }));
    expect(rendered.ok ? null : rendered.error.map(({ code, place }) => [code, place?.file])).toEqual([
      ["limit_steps", "templates/b.txt.j2"],
    ]);
  });
});
