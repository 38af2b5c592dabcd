import type { Random } from "./random.ts";

/** A generated case: a template, the files that it may load, and a context. */
export type Generated = {
  readonly template: string;
  readonly files: Readonly<Record<string, string>>;
  readonly context: Readonly<Record<string, unknown>>;
};

const NAMES = ["a", "b", "c", "list", "dict", "rows", "text", "num", "nothing", "empty", "x", "y", "missing"] as const;
const KEYS = ["k", "name", "port", "deep", "length", "0", "none"] as const;
const FILTERS_PLAIN = [
  "upper",
  "lower",
  "length",
  "first",
  "last",
  "reverse",
  "trim",
  "title",
  "capitalize",
  "string",
  "list",
  "abs",
  "int",
  "float",
  "escape",
  "safe",
  "sort",
  "wordcount",
  "dump",
  "urlencode",
  "striptags",
  "nl2br",
  "round",
] as const;
const FILTERS_WITH = [
  'default("d")',
  'default("d", true)',
  'join(",")',
  'join("-", "name")',
  'replace("a", "b")',
  "indent(2)",
  "indent(2, true)",
  "batch(2)",
  'batch(3, "x")',
  "slice(2)",
  'sort(false, false, "name")',
  "sort(reverse=true)",
  'selectattr("name")',
  'rejectattr("name")',
  'select("odd")',
  'reject("even")',
  'groupby("name")',
  "truncate(5)",
  "truncate(5, true)",
  "center(9)",
  "sum",
  'sum("port")',
  "dictsort",
  'dictsort(false, "value")',
  "int(3)",
  "round(1)",
  'round(0, "floor")',
  "d(1)",
] as const;
const TESTS = [
  "defined",
  "undefined",
  "odd",
  "even",
  "string",
  "number",
  "mapping",
  "iterable",
  "falsy",
  "truthy",
  "null",
  "lower",
  "upper",
  "divisibleby(2)",
  'equalto("v")',
  "sameas(1)",
  "gt(1)",
  "le(2)",
  "escaped",
  "callable",
  "ne(0)",
] as const;
const BINARY = [
  "+",
  "-",
  "*",
  "/",
  "//",
  "%",
  "**",
  "~",
  "and",
  "or",
  "==",
  "!=",
  "===",
  "!==",
  "<",
  ">",
  "<=",
  ">=",
  "in",
  "not in",
] as const;
const LITERALS = [
  "1",
  "2",
  "0",
  "3.5",
  '"v"',
  "'s t'",
  '""',
  "true",
  "false",
  "none",
  "[]",
  "[1, 2, 3]",
  '{a: 1, "b": 2}',
  '"<b>"',
] as const;
const LOOP_MEMBERS = ["index", "index0", "first", "last", "length", "revindex", "revindex0"] as const;

type Place = {
  readonly depth: number;
  readonly isInLoop: boolean;
  readonly isInMacro: boolean;
  /** Where Nunjucks writes code twice or out of order, so that loading templates breaks it. */
  readonly isFragile?: boolean;
  /** Inside of a captured body, where a macro's JavaScript variable is out of reach of what follows. */
  readonly isCaptured?: boolean;
};

/** Writes templates that use the language densely: scopes, macros, inclusion and inheritance, odd types everywhere. */
export class TemplateGenerator {
  readonly #random: Random;
  #macros: string[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  generate(): Generated {
    this.#macros = [];
    const files: Record<string, string> = {};
    for (const name of ["inc.njk", "mod.njk", "base.njk"]) files[name] = this.#file(name);
    this.#macros = [];
    return { template: this.#main(), files, context: this.#context() };
  }

  #file(name: string): string {
    this.#macros = [];
    // Files load nothing themselves: where they would load each other, Nunjucks loses the error.
    const body = this.#body({ depth: 2, isInLoop: false, isInMacro: false, isFragile: true });
    if (name === "mod.njk")
      return `{% macro f(p, q=2) %}${this.#body({ depth: 1, isInLoop: false, isInMacro: true })}{{ p }}{{ q }}{% endmacro %}{% set v = ${this.#expr(1)} %}${body}`;
    if (name === "base.njk")
      return `${body}{% block one %}base{% endblock %}${body.slice(0, 0)}{% block two %}{{ a }}{% endblock %}`;
    return body;
  }

  #main(): string {
    const place = { depth: 3, isInLoop: false, isInMacro: false };
    if (this.#random.chance(0.15)) {
      const inner = this.#body({ ...place, depth: 2 });
      return `{% extends "base.njk" %}{% set b = ${this.#expr(1)} %}{% block one %}${inner}{{ super() }}{% endblock %}`;
    }
    return this.#body(place);
  }

  #context(): Record<string, unknown> {
    const { pick, chance } = {
      pick: this.#random.pick.bind(this.#random),
      chance: this.#random.chance.bind(this.#random),
    };
    const any = (items: readonly [unknown, ...unknown[]]) => pick<unknown>(items);
    return {
      a: any([1, "text", true, null, "", 0, -2.5]),
      b: any(["b", 7, [1, "2", null], { k: "v" }]),
      c: chance(0.5) ? { k: { deep: [1, 2, { name: "n" }] }, name: "c", port: 80 } : "cc",
      list: any([
        [3, 1, 2],
        ["x", "Y", "z"],
        [],
        [
          [1, 2],
          [3, 4],
        ],
      ]),
      dict: any([{ k: 1, name: "n", port: 3 }, {}, { b: "2", a: "1" }]),
      rows: [
        { name: "r1", port: 2 },
        { name: "R0", port: 1 },
        { name: "", port: 3 },
      ],
      text: pick(["hello world", "a<b>&c", "line\nbreak", "  padded "]),
      num: pick([5, 2, -1, 0.5]),
      nothing: null,
      empty: "",
    };
  }

  #body(place: Place): string {
    let text = "";
    const count = 1 + this.#random.below(3);
    for (let i = 0; i < count; i++) text += this.#statement(place);
    return text;
  }

  #statement(place: Place): string {
    const { depth } = place;
    if (depth <= 0) return this.#random.chance(0.4) ? "t " : this.#output(1);
    const inner: Place = { ...place, depth: depth - 1 };
    const roll = this.#random.below(17);
    if (roll < 4) return this.#output(depth);
    if (roll < 5)
      return this.#random.pick([
        " text\n",
        "\n  ",
        "{# note #}",
        "{%- if true -%} w {%- endif -%}",
        "{% raw %}{{ r }}{% endraw %}",
      ]);
    if (roll < 8) return this.#if(inner);
    if (roll < 11) return this.#for(inner);
    if (roll < 13) return this.#set(inner);
    if (roll < 14) return this.#macro(inner);
    if (roll < 15) return this.#load(inner);
    return this.#rare(inner);
  }

  #output(depth: number): string {
    if (this.#macros.length > 0 && this.#random.chance(0.2)) return `{{ ${this.#call()} }}`;
    const marks = this.#random.chance(0.1) ? ["-", "-"] : ["", ""];
    return `{{${marks[0]} ${this.#expr(depth)} ${marks[1]}}}`;
  }

  #if(place: Place): string {
    const otherwise = this.#random.pick([
      "",
      `{% else %}${this.#body(place)}`,
      `{% elif ${this.#expr(1)} %}${this.#body(place)}{% else %}e`,
    ]);
    return `{% if ${this.#expr(2)} %}${this.#body(place)}${otherwise}{% endif %}`;
  }

  #for(place: Place): string {
    const otherwise = !place.isInLoop && this.#random.chance(0.2) ? `{% else %}none{{ loop.index }}` : "";
    const member = this.#random.chance(0.5) ? `{{ loop.${this.#random.pick(LOOP_MEMBERS)} }}` : "";
    const head = this.#random.pick([
      "x in list",
      "x in rows",
      "x in text",
      "x in range(3)",
      "x in dict",
      "k, v in dict",
      "x, y in list",
      "k, v in c",
      "x in b",
      "x in nothing",
    ]);
    const inner: Place = { ...place, isInLoop: true, isFragile: place.isFragile === true || head.includes(",") };
    return `{% for ${head} %}${member}${this.#body(inner)}${otherwise}{% endfor %}`;
  }

  #set(place: Place): string {
    const name = this.#random.pick(["a", "b", "x", "y", "z", "list"]);
    if (this.#random.chance(0.15)) {
      // The same members of one mapping and then of another: the engine keeps what it has read.
      const members = `{{ ${name}.name }}{{ ${name}.k }}{{ ${name}.name }}`;
      return `{% set ${name} = ${this.#random.pick(["dict", "c", "rows[0]", "rows[1]"])} %}${members}`;
    }
    // What is captured is never looped over: texts that grow by looping over themselves stop the engine, but not Nunjucks.
    if (this.#random.chance(0.2))
      return `{% set ${this.#random.pick(["y", "z"])} %}${this.#body({ ...place, depth: 1, isCaptured: true })}{% endset %}`;
    if (this.#random.chance(0.1)) return `{% set ${name}, z = ${this.#expr(1)} %}`;
    // What the context has is read before it is hidden: a name may be both.
    const before = this.#random.chance(0.3) ? `{{ ${name} }}` : "";
    return `${before}{% set ${name} = ${this.#expr(2)} %}`;
  }

  #macro(place: Place): string {
    if (place.isInLoop || place.isInMacro || place.isCaptured === true) return "";
    const name = `m${this.#macros.length}`;
    const body = this.#body({ ...place, isInMacro: true });
    this.#macros.push(name);
    return `{% macro ${name}(x, y, z=${this.#expr(1)}) %}${body}{{ caller() if caller else "" }}{% endmacro %}`;
  }

  #call(): string {
    const name = this.#macros[this.#random.below(this.#macros.length)] ?? "m0";
    return `${name}(${this.#random.pick([this.#expr(1), `${this.#expr(1)}, ${this.#expr(1)}`, "1, 2, 3", "z=4", "1, y=2", "1, 2, 3, 4"])})`;
  }

  #load({ isInMacro, isFragile }: Place): string {
    if (isInMacro || isFragile === true) return "";
    return this.#random.pick([
      `{% include "inc.njk" %}`,
      `{% import "mod.njk" as mod %}{{ mod.f(${this.#expr(1)}) }}{{ mod.v }}`,
      `{% from "mod.njk" import f, v as w %}{{ f(1, q=w) }}`,
      `{% import "mod.njk" as mod with context %}{{ mod.f(1) }}{{ mod.v }}`,
      `{% include "missing.njk" ignore missing %}`,
    ]);
  }

  #rare(place: Place): string {
    const macro = this.#macros.at(-1);
    if (macro !== undefined && this.#random.chance(0.4))
      return `{% call ${macro}(1) %}t{{ ${this.#random.pick(["text", "rows | length", "num + 1", '"v"'])} }}{% endcall %}`;
    if (this.#random.chance(0.5)) {
      const filter = this.#random.pick(["upper", "trim", "indent(2)", "replace('a', 'b')"]);
      return `{% filter ${filter} %}${this.#body({ ...place, depth: 1, isCaptured: true })}{% endfilter %}`;
    }
    return `{% switch ${this.#expr(1)} %}{% case 1 %}one{% case "text" %}{% case true %}${this.#body({ ...place, depth: 0 })}{% default %}d{% endswitch %}`;
  }

  #expr(depth: number): string {
    if (depth <= 0 || this.#random.chance(0.25)) return this.#atom();
    const inner = () => this.#expr(depth - 1);
    switch (this.#random.below(10)) {
      case 0:
      case 1:
        return this.#binary(inner(), inner());
      case 2:
        return `${this.#atom()} | ${this.#random.pick(FILTERS_PLAIN)}`;
      case 3:
        return `${this.#atom()} | ${this.#random.pick(FILTERS_WITH)}`;
      case 4:
        return `(${this.#atom()} is ${this.#random.chance(0.2) ? "not " : ""}${this.#random.pick(TESTS)})`;
      case 5:
        return `(${inner()})`;
      case 6:
        return `not ${inner()}`;
      case 7:
        return `(${this.#atom()} if ${inner()}${this.#random.chance(0.7) ? ` else ${this.#atom()}` : ""})`;
      case 8:
        return `[${inner()}, ${inner()}]`;
      default:
        return `-${this.#atom()}`;
    }
  }

  #binary(left: string, right: string): string {
    const operator = this.#random.pick(BINARY);
    // After most operators `not` would be a name.
    const isName = right.startsWith("not ") && operator !== "and" && operator !== "or";
    return `${left} ${operator} ${isName ? `(${right})` : right}`;
  }

  #atom(): string {
    switch (this.#random.below(4)) {
      case 0:
        return this.#random.pick(LITERALS);
      case 1:
        return `${this.#random.pick(NAMES)}.${this.#random.pick(["k", "name", "port", "length", "deep"])}`;
      case 2:
        return `${this.#random.pick(NAMES)}["${this.#random.pick(KEYS)}"]`;
      default:
        return this.#random.pick(NAMES);
    }
  }
}
