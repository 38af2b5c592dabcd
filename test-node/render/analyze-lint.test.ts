import { describe, expect, test } from "vitest";
import type { JsonObject } from "#core/json.ts";
import { analyzePack } from "#render/analyze-pack.ts";
import { lintPack } from "#render/lint-pack.ts";
import { fixturePacks } from "./fixture-packs.ts";
import { compiledOf, makePack } from "./make-pack.ts";

const SCHEMA: JsonObject = {
  type: "object",
  properties: {
    engine: { enum: ["pgvector", "qdrant"] },
    enabled: { type: "boolean" },
    port: { type: "integer", "x-depends-on": { enabled: true } },
    names: { type: "array", items: { type: "string" } },
    web: { type: "object", properties: { domain: { type: "string" }, title: { type: "string" } } },
  },
};

const analyze = (templates: Record<string, string>, schema = SCHEMA) =>
  analyzePack(compiledOf(makePack(templates, { schema })));

describe("analysis without rendering", () => {
  test("lists what each template reads, through variables, loops and partials", () => {
    const { variables } = analyze({
      "main.txt.j2":
        "{% set w = web %}{{ w.domain }}{% for n in names %}{{ n }}{% include '_part.j2' %}{% endfor %}{% if port > 1 %}{{ data.images[engine] }}{% endif %}",
      "_part.j2": "{{ n }}{{ config.enabled }}",
    });
    expect(variables["templates/main.txt.j2"]).toEqual([
      "data.images.*",
      "engine",
      "names",
      "names.*",
      "port",
      "web",
      "web.domain",
    ]);
    expect(variables["templates/_part.j2"]).toEqual(["config.enabled"]);
  });

  test("knows loop variables and parameters until their body ends, and what is set inside after it", () => {
    const { variables } = analyze({
      "again.txt.j2":
        "{% set a = web %}{% for b in names %}{% for a in names %}{% endfor %}{{ a.title }}{% set a = 1 %}{% endfor %}{{ a.domain }}",
      "kept.txt.j2":
        "{% for b in names %}{% for c in names %}{% set fresh = 1 %}{% endfor %}{% set fresh = web %}{% endfor %}{{ fresh.title }}",
    });
    expect(variables["templates/again.txt.j2"]).toEqual(["names", "web", "web.domain", "web.title"]);
    expect(variables["templates/kept.txt.j2"]).toEqual(["names", "web", "web.title"]);
  });

  test("follows names through chains of includes, round in circles too", () => {
    const { variables } = analyze({
      "main.txt.j2": "{% set mine = 1 %}{% include '_a.j2' %}",
      "_a.j2": "{% include '_b.j2' %}",
      "_b.j2": "{% set other = 2 %}{% include '_c.j2' %}",
      "_c.j2": "{{ mine }}{{ other }}{{ port }}{% include '_a.j2' %}",
    });
    expect(variables["templates/_c.j2"]).toEqual(["port"]);
  });

  test("names what no decision provides, with the place and what was meant", () => {
    const { findings } = analyze({
      "main.txt.j2":
        "{{ engine }}{{ enabled }}{{ port }}{{ names }}{{ web.title }}\n{{ web.domian }}{{ egine }}{{ web.domain }}",
    });
    expect(findings.map(({ code, message, place }) => [code, message, place?.line])).toEqual([
      ["unknown_variable", "no decision provides `web.domian`; did you mean `domain`?", 2],
      ["unknown_variable", "no decision provides `egine`; did you mean `engine`?", 2],
    ]);
  });

  test("names decisions that reach nothing; deciding over one that does counts", () => {
    const { findings } = analyze({ "main.txt.j2": "{{ port }}{{ web.domain }}{{ engine }}" });
    expect(findings.map(({ code, decision }) => [code, decision])).toEqual([
      ["unused_decision", "/names"],
      ["unused_decision", "/web/title"],
    ]);
  });

  test("names branches that no value can take", () => {
    const { findings } = analyze({
      "main.txt.j2":
        "{% if engine == 'chroma' %}a{% endif %}{% if engine == 'qdrant' %}{% elif engine in ['pgvector'] %}{% elif engine == 'qdrant' %}{% endif %}{{ config }}",
    });
    expect(findings.map(({ code, place }) => [code, place?.column])).toEqual([
      ["branch_never_taken", expect.any(Number)],
      ["branch_never_taken", expect.any(Number)],
    ]);
  });

  test("draws the graph of templates", () => {
    const { references } = analyze({
      "main.txt.j2": "{% extends '_base.j2' %}{% from '_m.j2' import x %}",
      "_base.j2": "\n{% include '_part.j2' ignore missing %}{% include engine %}",
      "_m.j2": "{% macro x() %}{% endmacro %}",
      "_part.j2": "",
    });
    expect(references).toEqual([
      { from: "templates/_base.j2", kind: "include", to: "templates/_part.j2", line: 2 },
      { from: "templates/_base.j2", kind: "include", to: null, line: 2 },
      { from: "templates/main.txt.j2", kind: "extends", to: "templates/_base.j2", line: 1 },
      { from: "templates/main.txt.j2", kind: "import", to: "templates/_m.j2", line: 1 },
    ]);
  });

  test.each(fixturePacks())("finds nothing wrong with $name", ({ compiled }) => {
    expect(analyzePack(compiled).findings).toEqual([]);
    expect(lintPack(compiled)).toEqual([]);
  });
});

describe("lint", () => {
  const codes = (template: string) =>
    lintPack(compiledOf(makePack({ "main.txt.j2": template }, { schema: SCHEMA }))).map(({ code }) => code);

  test.each([
    [
      "for_if",
      "{% for n in names if enabled %}{{ n }}{% endfor %}",
      "{% for n in names if enabled else [] %}{{ n }}{% endfor %}",
    ],
    ["for_over_mapping", "{% for k in web %}{{ k }}{% endfor %}", "{% for k, v in web %}{{ k }}{% endfor %}"],
    ["negative_index", "{{ names[-1] }}", "{{ names[1] }}"],
    ["set_unpacking", "{% set a, b = [1, 2] %}", "{% set a = 1 %}"],
    ["number_spelling", "{{ 1_000 }}", "{{ 1000 }}"],
    ["number_spelling", "{{ 1e3 }}", "{{ 1.3 }}"],
    ["chained_comparison", "{{ 3 > port > 1 }}", "{{ 3 > port and port > 1 }}"],
    ["loose_equality", "{% if port == '1' %}{% endif %}", "{% if port == 1 %}{% endif %}"],
    ["loose_equality", "{{ '1' == 1 }}", "{{ '1' == '1' }}"],
    ["container_as_condition", "{% if names %}{% endif %}", "{% if names | length %}{% endif %}"],
    [
      "set_in_loop",
      "{% set x = 1 %}{% for n in names %}{% set x = n %}{% endfor %}",
      "{% for n in names %}{% set x = n %}{% endfor %}",
    ],
    [
      "loop_member",
      "{% for n in names %}{{ loop.previtem }}{% endfor %}",
      "{% for n in names %}{{ loop.index }}{% endfor %}",
    ],
    [
      "filter_extra_arguments",
      "{{ names | selectattr('n', 'equalto', 2) | length }}",
      "{{ names | selectattr('n') | length }}",
    ],
    ["filter_keywords", "{{ web.title | indent(width=2) }}", "{{ names | sort(reverse=true) | join }}"],
    ["prints_container", "{{ names }}", "{{ names | join }}"],
    ["prints_container", "{{ web }}", "{{ web.title }}"],
    ["not_precedence", "{% if not port == 1 %}{% endif %}", "{% if not (port == 1) %}{% endif %}"],
    ["operator_order", "{{ 'a' ~ port + 1 }}", "{{ 'a' ~ (port + 1) }}"],
  ])("%s: %s", (code, wrong, right) => {
    expect(codes(wrong)).toContain(code);
    expect(codes(right)).not.toContain(code);
  });

  test("every warning has its place and the right spelling", () => {
    const [finding] = lintPack(compiledOf(makePack({ "main.txt.j2": "\n{{ names[-1] }}" }, { schema: SCHEMA })));
    expect(finding).toMatchObject({
      severity: "warning",
      place: { file: "templates/main.txt.j2", line: 2 },
      action: "Use | last, or a slice.",
    });
  });
});
