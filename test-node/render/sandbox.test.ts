import { describe, expect, test } from "vitest";
import { FILTER_NAMES } from "#render/filters/filters.ts";
import { GLOBALS } from "#render/globals.ts";
import { TEST_NAMES } from "#render/is-tests.ts";
import { CallerFunction, HostFunction, MacroFunction } from "#render/macro-function.ts";
import { Keywords } from "#render/values/keywords.ts";
import { Marked } from "#render/values/marked.ts";
import { regexLiteral } from "#render/values/regex-literal.ts";
import { CapturedText, SafeString } from "#render/values/safe-string.ts";
import { arrayMethods, objectMethods, stringMethods } from "#render/values/methods.ts";
import { compilePack } from "#render/compile-pack.ts";
import { renderPack } from "#render/render-pack.ts";
import { compiledOf, inputOf, makePack, renderedOf } from "./make-pack.ts";

/** Everything that a template can name, beside what it is given: a change of this list is a decision. */
test("the names that a template can reach are exactly these", () => {
  expect(Object.keys(GLOBALS).toSorted()).toEqual(["cycler", "joiner", "range"]);
  expect(FILTER_NAMES).toEqual([
    "abs",
    "batch",
    "capitalize",
    "center",
    "d",
    "default",
    "dictsort",
    "dump",
    "e",
    "escape",
    "first",
    "float",
    "forceescape",
    "fromJson",
    "groupby",
    "indent",
    "int",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "nl2br",
    "quadlet_env",
    "quadlet_text",
    "quadlet_word",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "systemd_escape",
    "title",
    "toJson",
    "tojson",
    "trim",
    "truncate",
    "upper",
    "urlencode",
    "urlize",
    "wordcount",
  ]);
  expect(TEST_NAMES.toSorted()).toEqual([
    "callable",
    "defined",
    "divisibleby",
    "eq",
    "equalto",
    "escaped",
    "even",
    "falsy",
    "ge",
    "greaterthan",
    "gt",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "null",
    "number",
    "odd",
    "sameas",
    "string",
    "truthy",
    "undefined",
    "upper",
  ]);
  expect(Object.keys(stringMethods).toSorted()).toEqual([
    "at",
    "charAt",
    "concat",
    "endsWith",
    "includes",
    "indexOf",
    "lastIndexOf",
    "padEnd",
    "padStart",
    "repeat",
    "replace",
    "replaceAll",
    "slice",
    "split",
    "startsWith",
    "substr",
    "substring",
    "toLowerCase",
    "toString",
    "toUpperCase",
    "trim",
    "trimEnd",
    "trimStart",
  ]);
  expect(Object.keys(arrayMethods).toSorted()).toEqual([
    "at",
    "concat",
    "count",
    "find",
    "includes",
    "index",
    "indexOf",
    "join",
    "lastIndexOf",
    "slice",
    "toString",
  ]);
  expect(Object.keys(objectMethods).toSorted()).toEqual([
    "get",
    "has_key",
    "items",
    "iteritems",
    "iterkeys",
    "itervalues",
    "keys",
    "values",
  ]);
});

const VALUES = [
  "text",
  "list",
  "map",
  "num",
  "flag",
  "range",
  "readFile",
  "secret",
  "cycler(1)",
  "joiner()",
  "m",
  "caller",
  "loop",
  "[]",
  "{}",
  "''",
  "1",
  "true",
  "config",
  "leger",
];
const KEYS = [
  "constructor",
  "__proto__",
  "prototype",
  "__defineGetter__",
  "__lookupGetter__",
  "valueOf",
  "hasOwnProperty",
  "isPrototypeOf",
  "toLocaleString",
  "call",
  "apply",
  "bind",
  "arguments",
  "caller",
  "invoke",
  "open",
  "finish",
  "slotOf",
  "push",
  "splice",
  "sort",
  "map",
  "filter",
  "reduce",
  "match",
  "matchAll",
  "search",
  "normalize",
  "anchor",
  "then",
  "kind",
  "pointer",
  "refuse",
  "toJSON",
  "isUnitText",
  "code",
  "parameterCount",
  "call",
  "prepare",
];

/** A template that prints "reached" when a member of a value is there. */
const probe = (value: string, key: string) =>
  `{% macro m(a) %}{% endmacro %}{% for i in [1] %}{% set v = ${value} %}{% if v["${key}"] is defined %}reached{% endif %}{% if v.${key} is defined %}reached{% endif %}{% endfor %}`;

describe("no member of any prototype or engine value is reachable", () => {
  const decisions = { text: "t", list: [1], dict: { a: 1 }, num: 1, flag: true };
  test.each(VALUES)("of %s", (value) => {
    const templates = Object.fromEntries(KEYS.map((key, index) => [`probe-${index}.txt.j2`, `-${probe(value, key)}`]));
    const input = inputOf(decisions, { mode: "lenient" });
    for (const file of renderedOf(makePack(templates), input).files) {
      const key = KEYS[Number(/probe-(\d+)/.exec(file.filename)?.[1])];
      expect(file.text, `${value}.${key}`).toBe("-");
    }
  });
});

test("a value of the engine has no properties that look-ups, loops or filters could find", () => {
  const root = [{ ofMacros: {} }] as unknown as ConstructorParameters<typeof MacroFunction>[1];
  const code = { parameters: [] } as unknown as ConstructorParameters<typeof MacroFunction>[0];
  const caller = { parameters: [] } as unknown as ConstructorParameters<typeof CallerFunction>[0];
  const values = [
    new MacroFunction(code, root),
    new CallerFunction(caller, root),
    new HostFunction(() => null),
    new Keywords({}),
    new SafeString("x"),
    new CapturedText("x"),
    new Marked("x", { kind: "sensitive", pointer: "/x" }),
    regexLiteral("x", "g"),
  ];
  for (const value of values) {
    expect(Object.getOwnPropertyNames(value), value?.constructor.name).toEqual([]);
  }
});

const PAYLOADS = [
  "{% macro m(a) %}process{% endmacro %}{{ m.code.body.head }}{{ m.code.body.run([1]) }}{{ secret.prepare({}, []) }}",
  "{% macro m(a) %}process{% endmacro %}{% for k, v in m %}{{ k }}{{ v.body.head }}{% endfor %}{{ m | toJson }}{{ m | dictsort | join }}",
  "{{ range.constructor('return process')() }}",
  "{{ ''.constructor.constructor('return globalThis')().process.env }}",
  "{{ [].constructor.from('abc') }}",
  "{{ ({}).__proto__.polluted }}{{ ({})['__proto__']['polluted'] }}",
  "{% set x = {} %}{{ x['constructor']['constructor']('return 1')() }}",
  "{{ text.replace('t', range.constructor) }}",
  "{{ list.map(range) }}",
  "{{ list | sort(range) }}",
  "{{ list | join(range.constructor) }}",
  "{{ joiner.constructor }}{{ cycler().next.constructor('return 1')() }}",
  "{{ cycler(1).next.call(1) }}{{ cycler(1).next.bind(1)() }}",
  "{{ map.toString.constructor }}",
  "{{ secret.call({}, ['x']) }}",
  "{{ readFile.call({}, ['x']) }}",
  "{% macro m() %}{% endmacro %}{{ m.invoke([], none) }}{{ m.constructor }}",
  "{{ super.constructor }}",
  "{{ self }}{{ this }}{{ env }}{{ context }}{{ globalThis }}{{ process }}{{ require('fs') }}",
  "{% set constructor = 'x' %}{{ text[constructor] }}",
  '{{ "a" is sameas("__proto__") }}{{ x"]; process.exit(); [" }}',
  "{% for k in text.constructor %}{{ k }}{% endfor %}",
  "{{ '%s' | format(1) }}",
  "{{ list.push(4) }}{{ list.pop() }}{{ map.update({a: 2}) }}",
];

test.each(PAYLOADS)("escapes nothing: %s", (template) => {
  const decisions = { text: "t", list: [1], map: { a: 1 } };
  const input = inputOf(decisions, { mode: "lenient" });
  const rendered = renderPack(compiledOf(makePack({ "main.txt.j2": "-" })), input);
  expect(rendered.ok).toBe(true);
  const compiled = compilePack(makePack({ "main.txt.j2": `-${template}` }));
  const result = compiled.ok ? renderPack(compiled.value, input) : compiled;
  const text = result.ok ? result.value.files.map((file) => file.text).join("") : "";
  expect(text).not.toMatch(/native code|function|process|object global|polluted/i);
  expect(decisions).toEqual({ text: "t", list: [1], map: { a: 1 } });
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
});

test("data may have any key, and its own keys are what it is read by", () => {
  const decisions = JSON.parse(
    '{"map":{"constructor":"c","toString":"t","length":"l","name":"n","__proto__":"p","items":"i"}}',
  ) as Record<string, never>;
  const template = "{{ map.constructor }}{{ map.toString }}{{ map.length }}{{ map.name }}{{ map.items }}{{ map }}";
  expect(renderedOf(makePack({ "main.txt.j2": template }), inputOf(decisions)).files[0]?.text).toBe(
    "ctlni[object Object]",
  );
});
