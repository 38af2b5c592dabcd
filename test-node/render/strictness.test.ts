import { describe, expect, test } from "vitest";
import { compilePack } from "#render/compile-pack.ts";
import { renderPack } from "#render/render-pack.ts";
import { codesOf, compiledOf, findingsOf, inputOf, makePack, renderedOf, textOf } from "./make-pack.ts";

describe("undefined values", () => {
  test.each([
    ["printed", "{{ nme }}"],
    ["a member printed", "{{ web.prt }}"],
    ["a member of nothing", "{{ wob.port }}"],
    ["looped over", "{% for x in lst %}{% endfor %}"],
    ["compared", "{% if nme == 'x' %}{% endif %}"],
    ["in arithmetic", "{{ nme + 1 }}"],
    ["joined to a text", "{{ 'a' ~ nme }}"],
    ["filtered", "{{ nme | upper }}"],
    ["given to a macro", "{% macro m(x) %}{% endmacro %}{{ m(nme) }}"],
    ["searched", "{{ nme in list }}"],
    ["searched in", "{{ 'a' in nme }}"],
    ["set", "{% set x = nme %}"],
    ["a missing argument printed", "{% macro m(x) %}{{ x }}{% endmacro %}{{ m() }}"],
    ["what a filter gives", "{{ [] | first }}"],
    ["an index out of range", "{{ list[9] }}"],
    ["on the right of or", "{{ false or nme }}"],
    ["tested for anything but existence", "{{ nme is string }}"],
  ])("%s is refused", (_name, template) => {
    expect(codesOf(template, { name: "n", web: { port: 1 }, list: [1] })).toEqual(["undefined"]);
  });

  test.each([
    ["{% if nme %}y{% else %}n{% endif %}", "n"],
    ["{% if not web.prt %}n{% endif %}", "n"],
    ["{% if wob.port %}y{% else %}n{% endif %}", "n"],
    ["{{ nme is defined }}{{ nme is undefined }}", "falsetrue"],
    ["{{ web.a.b.c is defined }}", "false"],
    ["{{ nme | default('d') }}{{ web.prt | d(2) }}", "d2"],
    ["{{ nme or 'o' }}", "o"],
    ["{{ 'y' if nme else 'n' }}", "n"],
    ["{{ none }}|", "|"],
  ])("may be asked for: %s", (template, expected) => {
    expect(textOf(template, { web: { port: 1 } })).toBe(expected);
  });

  test("the lenient mode prints nothing for them", () => {
    const pack = makePack({ "main.txt.j2": "[{{ nme }}{{ a.b.c }}]" });
    expect(renderedOf(pack, inputOf({}, { mode: "lenient" })).files[0]?.text).toBe("[]");
  });

  test("the name that was probably meant is suggested, from what is there", () => {
    const decisions = { networking: { base_domain: "x" } };
    const [finding] = findingsOf(makePack({ "main.txt.j2": "line\n{{ networking.bas_domain }}" }), inputOf(decisions));
    expect(finding).toMatchObject({
      code: "undefined",
      message: "`networking.bas_domain` is undefined; did you mean `base_domain`?",
      place: { file: "templates/main.txt.j2", line: 2, column: 15 },
      decision: "/networking/bas_domain",
      excerpt: [
        { number: 1, text: "line" },
        { number: 2, text: "{{ networking.bas_domain }}" },
      ],
    });
    const [other] = findingsOf(makePack({ "main.txt.j2": "{{ netwroking.base_domain }}" }), inputOf(decisions));
    expect(other?.message).toBe("`netwroking` is undefined; did you mean `networking`?");
  });
});

test("ten different faults are all named in one run, each with its place and what to do", () => {
  const templates = {
    "_shared.j2": "{% macro port(service) %}\n{{ service.prt }}\n{% endmacro %}\n",
    "web.container.j2": [
      "{% import '_shared.j2' as shared %}",
      "{{ networking.bas_domain }}",
      "{{ shared.port(web) }}",
      "{% for item in missing_list %}{{ item }}{% endfor %}",
      "{{ 5 | upper }}",
      "Description={{ web.title }}",
      "{{ web.token }}",
      "{{ undefined_macro() }}",
      "{{ web.admin }}",
    ].join("\n"),
    "other.txt.j2": "{% set total = web.count + 1 %}\n{{ total }}\n{{ range(200001) | length }}\n",
    "last.txt.j2":
      "{% from '_shared.j2' import prot %}\n{{ prot(web) }}\n{{ [1] | join(5) | fromJson | toJson | nl2br | int | abs | dictsort }}\n",
  };
  const decisions = {
    networking: { base_domain: "example.org" },
    web: { port: 1, title: 'a "quoted" title', token: "leger://token", admin: "person@example.org" },
  };
  const marks = { sensitive: ["/web/admin"], secretRefs: ["/web/token"] };
  const findings = findingsOf(makePack(templates), inputOf(decisions, { marks }));
  expect(findings.map(({ code, place }) => `${place?.file}:${place?.line} ${code}`)).toEqual([
    "templates/_shared.j2:2 undefined",
    "templates/last.txt.j2:1 import_not_found",
    "templates/last.txt.j2:3 filter_type",
    "templates/other.txt.j2:1 undefined",
    "templates/other.txt.j2:3 limit_loop",
    "templates/web.container.j2:2 undefined",
    "templates/web.container.j2:4 undefined",
    "templates/web.container.j2:5 filter_type",
    "templates/web.container.j2:6 unit_unsafe_value",
    "templates/web.container.j2:7 secret_ref_misplaced",
    "templates/web.container.j2:8 not_callable",
    "templates/web.container.j2:9 sensitive_misplaced",
  ]);
  for (const { message, action, excerpt } of findings) {
    expect(message.length).toBeGreaterThan(10);
    expect(action.length).toBeGreaterThan(5);
    expect(excerpt?.length).toBeGreaterThan(0);
  }
  expect(findings.filter(({ decision }) => decision !== undefined).map(({ decision }) => decision)).toEqual([
    "/web/prt",
    "/web/count",
    "/networking/bas_domain",
    "/missing_list",
    "/web/title",
    "/web/token",
    "/web/admin",
  ]);
});

test("a variable whose value failed is not reported again where it is used", () => {
  expect(codesOf("{% set x = missing %}{{ x }}{{ x | upper }}{% if x == 1 %}{% endif %}")).toEqual(["undefined"]);
});

describe("a pack is refused when it is compiled", () => {
  test.each([
    ["{{ x | uper }}", "unknown_filter", 'there is no filter "uper"; did you mean "upper"?'],
    ["{{ x is strng }}", "unknown_test", 'there is no test "strng"; did you mean "string"?'],
    ["{{ [1, 2] | random }}", "refused_filter", "same bytes"],
    ["{% include 'gone.j2' %}", "template_not_found", "gone.j2"],
    ["{% import '../../outside.j2' as x %}", "template_not_found", "outside.j2"],
    ["{% if x %}", "syntax", "expected elif, else, or endif"],
    ["{% raw %}never closed", "syntax", "raw is never closed"],
    ["{{ 'x' | replace(r/(a)\\1/g, 'y') }}", "regex_refused", "linear time"],
    ["{{ {__proto__: 1} }}", "syntax", "__proto__"],
    ["{% set a.b = 1 %}", "syntax", "only plain names"],
    ["{% block a %}{% endblock %}{% block a %}{% endblock %}", "syntax", "more than once"],
  ])("%s", (template, code, message) => {
    const compiled = compilePack(makePack({ "main.txt.j2": `first line\n${template}` }));
    expect(compiled.ok).toBe(false);
    if (compiled.ok) return;
    expect(compiled.error[0]).toMatchObject({ code, place: { file: "templates/main.txt.j2", line: 2 } });
    expect(compiled.error[0]?.message).toContain(message);
  });

  test("with all of its findings at once, from all templates", () => {
    const compiled = compilePack(
      makePack({ "a.txt.j2": "{{ x | uper }}{{ x | lowr }}", "b.txt.j2": "{% if %}", "c.txt.j2": "{{ x is od }}" }),
    );
    expect(compiled.ok ? [] : compiled.error.map(({ code, place }) => `${place?.file} ${code}`)).toEqual([
      "templates/a.txt.j2 unknown_filter",
      "templates/a.txt.j2 unknown_filter",
      "templates/b.txt.j2 syntax",
      "templates/c.txt.j2 unknown_test",
    ]);
  });
});

describe("outputs", () => {
  test("of white space only are not shipped, nor are those whose condition does not hold", () => {
    const pack = makePack({
      "empty.txt.j2": "  \n{% if false %}x{% endif %}\n",
      "full.txt.j2": "x",
      "off.txt.j2": "y",
    });
    const outputs = pack.outputs.map((output) =>
      output.output === "off.txt" ? { ...output, when: "services.web" } : output,
    );
    const rendered = renderedOf({ ...pack, outputs }, inputOf({ services: { web: false } }));
    expect(rendered.files.map(({ filename }) => filename)).toEqual(["full.txt"]);
  });

  test("are sorted by name, and copies are shipped as they are", () => {
    const pack = makePack(
      { "b.txt.j2": "b", "c.txt.j2": "c" },
      { copies: [{ path: "a.bin", output: "a.bin" }], files: { "a.bin": "{{ raw }}" } },
    );
    expect(renderedOf(pack, inputOf({})).files.map(({ filename, text }) => [filename, text])).toEqual([
      ["a.bin", "{{ raw }}"],
      ["b.txt", "b"],
      ["c.txt", "c"],
    ]);
  });

  test("see the decisions, config, data, leger and readFile", () => {
    const pack = makePack(
      {
        "main.txt.j2":
          "{{ web.port }} {{ config.web.port }} {{ data.images.web }} {{ leger.deployment_name }} {{ (readFile('data/images.json') | fromJson).web }}",
      },
      { data: { images: { web: "img:1" } }, files: { "data/images.json": '{"web":"img:2"}' } },
    );
    expect(renderedOf(pack, inputOf({ web: { port: 8080 } })).files[0]?.text).toBe("8080 8080 img:1 home img:2");
  });

  test("read no file outside of the pack", () => {
    expect(codesOf("{{ readFile('../../../etc/passwd') }}{{ readFile('/etc/passwd') }}")).toEqual([
      "template_not_found",
      "template_not_found",
    ]);
  });

  test("are the same bytes each time, and rendering changes nothing that was given", () => {
    const compiled = compiledOf(
      makePack({ "main.txt.j2": "{% set l = list | sort %}{{ l }}{{ list }}{% for k, v in map %}{{ k }}{% endfor %}" }),
    );
    const input = inputOf({ list: [3, 1, 2], map: { b: 1, a: 2 } });
    const before = JSON.stringify(input);
    const first = renderPack(compiled, input);
    expect(renderPack(compiled, input)).toEqual(first);
    expect(JSON.stringify(input)).toBe(before);
  });
});
