import nunjucks from "nunjucks";
import { parse } from "nunjucks/src/parser.js";
import { describe, expect, test } from "vitest";
import { parseTemplate } from "#render/parse-template.ts";
import { TemplateGenerator } from "../../tools/engine/generate-template.ts";
import { Random } from "../../tools/engine/random.ts";
import { runEngine } from "../../tools/engine/run-engine.ts";
import { fixturePacks } from "./fixture-packs.ts";

const FILES: Record<string, string> = {
  "part.njk": "[{{ x }}{{ loop.index }}]",
  "sets.njk": "{% set x = 'inner' %}{{ x }}",
  "resets.njk": "{% set a = 'reset' %}",
  "reads.njk": "({{ a }})",
  "macros.njk":
    "{% macro greet(name, mark='!') %}Hi {{ name }}{{ mark }}{% endmacro %}{% set version = 3 %}{% set _hidden = 1 %}",
  "wrap.njk": "{% macro wrap(tag) %}<{{ tag }}>{{ caller('in') }}</{{ tag }}>{% endmacro %}",
  "context.njk": "{% macro read() %}{{ a }}{{ b }}{% endmacro %}{% set b = 'set' %}",
  "base.njk":
    "{% block head %}H{% endblock %}|{% block body %}{% block inner %}I{% endblock %}{% endblock %}|{{ title }}",
  "middle.njk": "{% extends 'base.njk' %}{% block body %}middle {{ super() }}{% endblock %}",
};

const CONTEXT = {
  a: "A",
  num: 5,
  list: [3, 1, 2],
  words: ["pear", "Apple", "fig"],
  pairs: [
    ["k1", 1],
    ["k2", 2],
  ],
  dict: { one: 1, two: { deep: "d" } },
  rows: [
    { name: "b", port: 2, on: true },
    { name: "a", port: 1, on: false },
  ],
  text: " padded text ",
  dotted: { "a.b": { c: 1 }, a: { "b.c": 2, b: { c: 3, d: { e: 4 } } }, '"': { c: 5 } },
  nothing: null,
  html: "<b>&'\"</b>",
};

const CASES: Record<string, readonly string[]> = {
  frames: [
    "{% set x = 1 %}{% for i in list %}{% set x = i %}{% endfor %}{{ x }}",
    "{% for i in list %}{% set y = i %}{% endfor %}[{{ y }}]",
    "{% for i in list %}{% if loop.first %}{% set y = i %}{% endif %}{{ y }}{% endfor %}",
    "{% set x = 1 %}{% macro m() %}{{ x }}{% endmacro %}{% for i in [1] %}{% set x = 9 %}{% endfor %}{{ m() }}{{ x }}",
    "{% set x %}captured {{ a }}{% endset %}{{ x }}{{ x | length }}",
    "{% set p, q = 7 %}{{ p }}{{ q }}",
    "{% if true %}{% set inside = 1 %}{% endif %}{{ inside }}",
    "{% macro later() %}{{ helper() }}{% endmacro %}{% macro helper() %}h{% endmacro %}{{ later() }}",
  ],
  "names of the context that are set later": [
    "{% for a in [1] %}{% for i in [1, 2] %}{% include 'reads.njk' %}{% import 'resets.njk' as a %}{% endfor %}{% endfor %}",
    "{% for a in [1] %}{% for i in [1, 2] %}{% include 'reads.njk' %}{% set a = 2 %}{% endfor %}{% include 'reads.njk' %}{% endfor %}",
    "{% set a = 1 %}{% for i in [1, 2] %}{% include 'reads.njk' %}{% for a in [3] %}{% include 'reads.njk' %}{% endfor %}{% endfor %}",
    "{% set a = 1 %}{% for i in [1, 2] %}{% import 'resets.njk' as s with context %}{% from 'resets.njk' import a %}{{ a }}{% endfor %}",
    "{% import 'sets.njk' as s with context %}{% include 'part.njk' %}{% set x = 1 %}{{ x }}",
    "{{ a }}{% import 'resets.njk' as s with context %}{{ a }}{% include 'reads.njk' %}{% set a = 1 %}{{ a }}",
    "{% set a = 1 %}{% import 'resets.njk' as s with context %}{{ a }}{% include 'reads.njk' %}",
    "{% for i in list %}{% import 'resets.njk' as s with context %}{% include 'reads.njk' %}{% endfor %}{% set a = 1 %}{{ a }}",
    "{% include 'reads.njk' %}{% set a = 1 %}{{ a }}{% include 'reads.njk' %}",
    "{% macro m() %}{{ a }}{% endmacro %}{{ m() }}{% set a = 1 %}{{ m() }}{{ a }}",
    "{% macro m(p=a) %}{{ p }}{% endmacro %}{{ m() }}{% set a = 1 %}{{ m() }}",
    "{% macro m(b, a=3) %}{% import 'resets.njk' as s with context %}{{ a }}{% endmacro %}{{ m(5) }}{{ a }}",
    "{% set a = a + 1 %}{{ a }}{% set num = 1 %}{{ num }}{% include 'reads.njk' %}",
    "{% if a %}{% set b = a %}{% endif %}{% set a = 2 %}{{ b }}{{ a }}",
    "{% import 'context.njk' as a with context %}{{ a.read() }}{% import 'context.njk' as k with context %}{{ k.read() }}",
  ],
  "members read again": [
    "{% set r = rows[0] %}{{ r.name }}{{ r.name }}{% set r = rows[1] %}{{ r.name }}{{ r.name }}",
    "{% for r in rows %}{{ r.name }}{{ r.name | upper }}{% if r.on %}{{ r.on }}{% set r = rows[1] %}{{ r.name }}{{ r.on }}{% endif %}{% endfor %}",
    "{% for r in rows %}{{ dict.two.deep }}{{ dict.two.deep }}{{ dict.one }}{{ r.name }}{% for r in rows %}{{ r.name }}{{ r.port }}{% endfor %}{{ r.name }}{{ r.port }}{% endfor %}",
    "{% for i in list %}{% set l = loop %}{{ l.index }}{{ l.index }}{{ l.last }}{{ l.last }}{% endfor %}",
    "{% set c = cycler('x', 'y') %}{{ c.next() }}{{ c.current }}{{ c.current }}{{ c.next() }}{{ c.current }}{{ c.current }}",
    "{% macro m(r) %}{{ r.name }}{{ r.name }}{% if r.on %}{{ m(rows[1]) }}{{ r.name }}{% endif %}{% endmacro %}{{ m(rows[0]) }}{{ m(rows[1]) }}",
    "{% for r in rows %}{{ r.name if r.on else '-' }}{{ r.name }}{{ r.port if not r.on }}{{ r.port }}{% endfor %}{{ rows[0].name if num > 9 }}{{ rows[0].name }}",
    "{% for r in rows %}{{ r.on and r.name }}{{ r.name }}{{ r.on or r.port }}{{ r.port }}{{ dict.one | default(r.gone) }}{{ r.gone }}{% endfor %}",
    "{% for r in rows %}{% if r.on %}{{ dict.two.deep }}{{ r.name }}{% elif r.name == 'a' %}{{ r.name }}{{ dict.two.deep }}{% endif %}{{ dict.two.deep }}{{ r.name }}{% endfor %}",
    "{% for r in rows %}{% switch r.name %}{% case r.port %}1{% case r.name %}{{ r.port }}{{ r.name }}{% default %}{{ r.on }}{% endswitch %}{{ r.port }}{{ r.on }}{% endfor %}",
    "{% for r in rows %}{% set t %}{{ r.name }}{{ r.port }}{% endset %}{{ r.name }}{{ t }}{% filter upper %}{{ r.name }}{{ dict.two.deep }}{% endfilter %}{{ dict.two.deep }}{% endfor %}",
    "{{ dotted['a.b'].c }}{{ dotted.a['b.c'] }}{{ dotted.a.b.c }}{{ dotted.a.b.d.e }}{{ dotted['\"'].c }}|{{ dotted.a.b.d.e }}{{ dotted.a.b.c }}{{ dotted['\"'].c }}{{ dotted.a['b.c'] }}{{ dotted['a.b'].c }}",
    "{{ rows[0].name }}{{ rows[1].name }}{{ rows[0].name }}{% set rows = [rows[1], rows[0]] %}{{ rows[0].name }}{{ rows[1].name }}{{ rows[0].name }}",
    "{% for i in list %}{% set d = {l: loop, m: {l: loop}} %}{{ d.l.index }}{{ d.l.index }}{{ d.m.l.index }}{{ d.m.l.last }}{{ d.m.l.index }}{% endfor %}",
    "{% from 'wrap.njk' import wrap %}{% for r in rows %}{{ r.name }}{% call(x) wrap(r.name) %}{{ r.name }}{{ x }}{% set q = rows[1] %}{{ q.name }}{{ r.name }}{% endcall %}{{ r.name }}{% endfor %}",
    "{% macro twice(r) %}{{ r.name }}{{ caller(r) }}{{ r.name }}{{ caller(rows[1]) }}{{ r.name }}{% endmacro %}{% call(r) twice(rows[0]) %}({{ r.name }}{{ r.port }}{{ r.name }}){% endcall %}",
    "{% macro m() %}{{ caller(rows[0], caller) }}{% endmacro %}{% call(r, c) m() %}({{ r.name }}{{ c(rows[1]) if c }}{{ r.name }}){% endcall %}",
    "{% macro m() %}{{ caller(rows[0], caller) }}{% endmacro %}{% macro n(c) %}{{ c(rows[1]) if c }}{{ caller() }}{% endmacro %}{% call(r, c) m() %}({{ r.name }}{% call(x=r.name) n(c) %}{{ x }}{% endcall %}){% endcall %}",
    "{% macro m() %}{{ caller(rows[0], caller) }}{% endmacro %}{% call(r, c) m() %}{{ r.name }}{% for i in [1, 2] %}{{ r.name }}{{ c(rows[1]) if c }}{% endfor %}{% endcall %}",
    "{% macro m(a=dict.one, b=dict.one) %}{{ a }}{{ b }}{{ dict.one }}{{ dict.two.deep }}{% endmacro %}{{ m(rows[0].name, b=rows[0].name) }}{{ m(b=rows[0].port) }}{{ rows[0].port }}",
    "{{ [rows[0].name, rows[0].name] | join }}{{ {a: rows[0].name, b: rows[0].port}.b }}{{ rows[0].name in [rows[0].name] }}{{ rows[0].name == rows[0].name }}{{ rows[0].name is defined }}{{ not rows[0].name }}",
    "{{ gone.name }}{{ gone.name }}{% set gone = dict %}{{ gone.one }}{{ gone.one }}{{ gone.name }}{% set gone = 'ab' %}{{ gone[0] }}{{ gone[0] }}{{ gone.one }}",
  ],
  loops: [
    "{% for i in list %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}",
    "{% for k, v in dict %}{{ k }}={{ v }};{% endfor %}{% for k, v in pairs %}{{ k }}{{ v }}{% endfor %}",
    "{% for i in [] %}x{% else %}none{% endfor %}{% for i in nothing %}x{% else %}none{% endfor %}",
    "{% for c in 'abc' %}{{ c }}-{% endfor %}{% for i in dict %}x{% else %}e{% endfor %}",
    "{% for r in rows %}{% for i in range(2) %}{{ loop.index }}{{ r.name }}{% endfor %}{{ loop.index }}{% endfor %}",
    "{% for a, b, c in [[1, 2, 3], [4, 5, 6]] %}{{ c }}{{ a }}{% endfor %}",
    "{% for x in list %}{% include 'part.njk' %}{% endfor %}",
    "{% set l = [] %}{% for i in list %}{% set l = loop %}{% endfor %}{{ l.index }}",
  ],
  macros: [
    "{% macro m(a, b, c=3, d='x') %}{{ a }}{{ b }}{{ c }}{{ d }}{% endmacro %}{{ m(1) }}{{ m(1, 2, d=4) }}{{ m(1, 2, 8, 9) }}{{ m(b=2, a=1) }}{{ m(1, 2, 3, 4, 5) }}",
    "{% macro m(x=a) %}{{ x }}{% endmacro %}{{ m() }}{{ m('given') }}",
    "{% macro outer() %}<{{ caller() }}>{% endmacro %}{% call outer() %}body {{ a }}{% endcall %}",
    "{% from 'wrap.njk' import wrap %}{% call(inner) wrap('b') %}{{ inner }}{{ a }}{% endcall %}",
    "{% macro m() %}t{% endmacro %}{{ m() | upper }}{{ m() ~ 1 }}{{ m() == 't' }}{{ m() is string }}{% if m() %}y{% endif %}",
    "{% macro fib(n) %}{{ n if n < 2 else (fib(n - 1) | int) + (fib(n - 2) | int) }}{% endmacro %}{{ fib(10) }}",
  ],
  modules: [
    "{% import 'macros.njk' as m %}{{ m.greet('you') }}{{ m.version }}{{ m._hidden }}",
    "{% from 'macros.njk' import greet as g, version %}{{ g('x', mark='?') }}{{ version }}",
    "{% import 'context.njk' as c %}[{{ c.read() }}]{% import 'context.njk' as d with context %}[{{ d.read() }}]",
    "{% set x = 'outer' %}{% include 'sets.njk' %}{{ x }}",
    "{% include 'missing.njk' ignore missing %}done",
    "{% set x = 'v' %}{% include ['part', 'njk'] | join('.') %}",
  ],
  inheritance: [
    "{% extends 'base.njk' %}{% set title = 'T' %}{% block head %}new {{ super() }}{% endblock %}dropped",
    "{% extends 'middle.njk' %}{% block inner %}in {{ super() }}{% endblock %}",
    "{% extends 'base.njk' if num == 5 else 'middle.njk' %}{% block body %}chosen{% endblock %}",
    "{% block alone %}x{% for i in list %}{{ i }}{% endfor %}{% endblock %}",
    "{% for i in list %}{% block item %}{{ i }}{% endblock %}{% endfor %}",
  ],
  expressions: [
    "{{ 1 + 2 * 3 - 4 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 2 ** 3 ** 2 }} {{ 7 % 4 * 2 }} {{ 5 * 3 % 2 }} {{ 1 ~ 2 + 3 }} {{ '1' + 2 - 1 }}",
    "{{ not a == 'A' }} {{ not (a == 'A') }} {{ 3 > 2 > 1 }} {{ 1 < 2 == true }} {{ '1' == 1 }} {{ '1' === 1 }} {{ null == undefinedThing }}",
    "{{ a or 'x' }} {{ nothing or 'x' }} {{ nothing and 'x' }} {{ 0 or nothing }} {{ 'y' if num > 3 else 'n' }} {{ 'y' if num > 9 }}",
    "{{ 1 in list }} {{ 9 not in list }} {{ 'one' in dict }} {{ 'add' in text }}",
    "{{ dict.two.deep }} {{ dict['two']['deep'] }} {{ list[1] }} {{ rows[0].name }} {{ words.length }} {{ text[1] }} {{ dict.none.deeper }}",
    "{{ [1, [2, 3], 'x', none] }} {{ {a: 1} }} {{ [] }} {{ true }} {{ none }} {{ 1.50 }} {{ -0.5 }} {{ 1e }}",
    "{{ num is odd }} {{ num is divisibleby(5) }} {{ a is defined }} {{ zzz is undefined }} {{ list is iterable }} {{ dict is mapping }} {{ nothing is null }} {{ 'a' is not string }}",
    "{{ (1, 2, 3) }} {{ ((a)) }} {{ -num | abs }} {{ 'a' 'b' if false }}",
  ],
  filters: [
    "{{ text | trim | upper | replace('T', 't') | title | capitalize }} {{ a | default('x') }} {{ zzz | default('x') }} {{ '' | default('x', true) }}",
    "{{ list | sort }} {{ words | sort }} {{ words | sort(false, true) }} {{ words | sort(reverse=true) }} {{ rows | sort(attribute='port') | join(',', 'name') }}",
    "{{ list | join('-') }} {{ list | sum }} {{ rows | sum('port') }} {{ list | first }} {{ list | last }} {{ list | length }} {{ dict | length }} {{ list | reverse }} {{ 'abc' | reverse }}",
    "{{ rows | selectattr('on') | length }} {{ rows | rejectattr('on') | join(',', 'name') }} {{ list | select('odd') }} {{ list | reject('odd') }}",
    "{% for k, v in rows | groupby('name') %}{{ k }}{{ v.length }}{% endfor %} {{ dict | dictsort }} {{ [1,2,3,4,5] | batch(2, 'x') }} {{ [1,2,3,4,5] | slice(2) }}",
    "{{ 'long text here' | truncate(6) }} {{ 'long text here' | truncate(6, true, '~') }} {{ 'x' | center(7) }}| {{ 'a\nb' | indent(2) }} {{ 'a\nb' | indent(2, true) }}",
    "{{ html }} {{ html | escape }} {{ html | safe }} {{ html | striptags }} {{ 'see www.example.org' | urlize }} {{ {a: 'b c'} | urlencode }} {{ 'ü/' | urlencode }}",
    "{{ 3.7 | round }} {{ 3.14159 | round(2) }} {{ 3.7 | round(0, 'floor') }} {{ '12px' | int }} {{ 'x' | int(7) }} {{ '1.5' | float }} {{ dict | dump }} {{ dict | dump(2) }}",
    "{% filter upper %}block {{ a }}{% endfilter %}{{ 'a b c' | wordcount }} {{ 'ab' | list }} {{ dict | list | length }}",
  ],
  "white space": [
    "a {%- if true -%} b {%- endif -%} c",
    "a {{- num -}} b {#- note -#} c",
    "x\n{%- for i in list %}\n  {{ i }}\n{%- endfor %}\n",
    "{% raw %}{{ a }}{% if %}{% endraw %}{% verbatim %}{% raw %}{% endverbatim %}",
    "{% if true %}\n  yes\n{% endif %}\n    {% if true %}\n  no{% endif %}",
  ],
  switches: [
    "{% switch num %}{% case 4 %}four{% case 5 %}five{% default %}other{% endswitch %}",
    "{% switch a %}{% case 'x' %}{% case 'A' %}fell{% default %}d{% endswitch %}{% switch 1 %}{% default %}d{% endswitch %}",
  ],
};

function oracle(template: string, options: object): string | null {
  const loader = {
    getSource: (name: string) => {
      const src = name === "main.njk" ? template : FILES[name];
      return src === undefined ? null : { src, path: name, noCache: true };
    },
  };
  try {
    return new nunjucks.Environment(loader, options).getTemplate("main.njk", true).render(structuredClone(CONTEXT));
  } catch {
    return null;
  }
}

const OPTIONS = [
  { trimBlocks: false, lstripBlocks: false, autoescape: false },
  { trimBlocks: true, lstripBlocks: true, autoescape: false },
  { trimBlocks: false, lstripBlocks: false, autoescape: true },
];

describe("the same text as Nunjucks 3.2.4", () => {
  for (const [topic, templates] of Object.entries(CASES)) {
    test.each(templates)(`${topic}: %s`, (template) => {
      for (const { trimBlocks, lstripBlocks, autoescape } of OPTIONS) {
        const options = { trimBlocks, lstripBlocks, isAutoescaped: autoescape };
        const ours = runEngine({ template, files: FILES, context: structuredClone(CONTEXT), ...options });
        expect("text" in ours ? ours.text : null).toBe(oracle(template, { trimBlocks, lstripBlocks, autoescape }));
      }
    });
  }
});

/** Each is a row of the table in docs/design/engine.md, "Where it differs". */
const DIFFERENCES = [
  {
    what: "a macro in a condition that does not hold hides nothing",
    template: "{% macro m() %}1{% endmacro %}{% if false %}{% macro m() %}2{% endmacro %}{% endif %}{{ m() }}",
    ours: "1",
    theirs: null,
  },
  {
    what: "a loop variable that is set stays the loop's own",
    template: "{% set a = 3 %}{% for x, a in [[1]] %}{% set a = 4 %}{{ a }}{% endfor %}{{ a }}",
    ours: "43",
    theirs: "44",
  },
];

describe("another text than Nunjucks 3.2.4, on purpose", () => {
  test.each(DIFFERENCES)("$what", ({ template, ours, theirs }) => {
    expect(runEngine({ template, files: FILES, context: structuredClone(CONTEXT) })).toEqual({ text: ours });
    expect(oracle(template, { trimBlocks: false, lstripBlocks: false, autoescape: false })).toBe(theirs);
  });
});

/** A tree as plain data, without what only one parser notes. */
function plain(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(plain);
  if (node instanceof RegExp) return String(node);
  if (typeof node !== "object" || node === null) return node ?? null;
  if (!("typename" in node)) return null;
  const { typename } = node;
  const hasPlace = !["NodeList", "Case", "KeywordArgs"].includes(String(typename));
  const skipped = ["setInside", "skippedLines", "weight", "parent", "lineno", "colno"];
  const entries = Object.entries(node)
    .filter(([key, value]) =>
      !skipped.includes(key) && typeof value !== "function" && key !== "body" ? true : key === "body",
    )
    .map(([key, value]) => [key, plain(value)] as const)
    .filter(([, value]) => value !== null);
  const place = hasPlace ? [(node as { lineno?: number }).lineno, (node as { colno?: number }).colno] : [];
  return { typename, place, ...Object.fromEntries(entries) };
}

describe("the same tree as Nunjucks' own parser", () => {
  const sources = fixturePacks().flatMap(({ pack }) =>
    Object.entries(pack.files)
      .filter(([path]) => /\.(j2|njk)$/.test(path))
      .map(([, source]) => source),
  );
  const generated = Array.from({ length: 300 }, (_, index) =>
    new TemplateGenerator(new Random(index)).generate(),
  ).flatMap(({ template, files }) => [template, ...Object.values(files)]);

  test.each([
    { trimBlocks: true, lstripBlocks: true },
    { trimBlocks: false, lstripBlocks: false },
  ])("for every fixture template, every case above and generated ones: %o", (options) => {
    let compared = 0;
    for (const source of [...sources, ...Object.values(CASES).flat(), ...Object.values(FILES), ...generated]) {
      let theirs: object | null = null;
      try {
        theirs = parse(source, [], options);
      } catch {
        theirs = null;
      }
      const ours = parseTemplate("t", source, { ...options, isJinja: false });
      expect(ours.ok, source).toBe(theirs !== null);
      if (!ours.ok || theirs === null) continue;
      expect(plain(ours.value.root), source).toEqual(plain(theirs));
      compared++;
    }
    expect(compared).toBeGreaterThan(1000);
  });
});
