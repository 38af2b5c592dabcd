import { ESCAPED, INHERITED } from "./inherited.ts";
import { TemplateGenerator } from "../engine/generate-template.ts";
import type { Random } from "../engine/random.ts";

/** Templates, each for a render of its own, and the decisions that they see, as an attacker who controls both would write them. */
export type AttackCase = {
  readonly templates: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  readonly decisions: Readonly<Record<string, unknown>>;
};

const ROOTS = [
  "a",
  "text",
  "list",
  "dict",
  "rows",
  "num",
  "range",
  "cycler",
  "joiner",
  "config",
  "data",
  "leger",
  "readFile",
  "secret",
  "caller",
  "loop",
  "self",
  "''",
  "[]",
  "{}",
  "1",
  "true",
  "none",
  "(r/a/g)",
  "range(2)",
  "('x' | safe)",
  "this",
] as const;
/** Values that have members at all. */
const DATA = [
  "dict",
  "rows",
  "list",
  "a",
  "b",
  "text",
  "config",
  "data",
  "leger",
  "[dict]",
  "{k: 1}",
  "dict.deep",
  "''",
] as const;
const MEMBERS = [
  "constructor",
  "__proto__",
  "prototype",
  "toString",
  "valueOf",
  "call",
  "apply",
  "bind",
  "map",
  "replace",
  "at",
  "concat",
  "hasOwnProperty",
  "__defineGetter__",
  "__lookupGetter__",
  "length",
  "name",
  "caller",
  "arguments",
  "callee",
  "then",
  "toJSON",
  "env",
  "ctx",
  "run",
  "host",
  "globals",
  "instance",
  "slots",
  "keys",
  "items",
  "get",
] as const;
const ARGUMENTS = [
  "",
  `"return '${ESCAPED.slice(0, 4)}' + '${ESCAPED.slice(4)}'"`, // whole only where it was run
  "r/(a+)+b/g",
  "range",
  "a",
  "dict",
  "[].constructor",
  "1e9",
  "'__proto__'",
] as const;
const KEYWORDS = ["", "", "", "", "", "", "n=1", "__keywords=true", "constructor=1", "__proto__=dict"] as const;
const HOSTILE_FILTERS = [
  "center(1e9)",
  "indent(1e9)",
  "batch(1e9)",
  "slice(1e9)",
  "replace(r/(a+)+$/, 'x')",
  "replace('', text)",
  "join(text)",
  "fromJson",
  "toJson",
  "urlize",
  "striptags",
  "dictsort",
  "sort(false, false, '__proto__')",
  "groupby('constructor')",
  "selectattr('__proto__')",
  "sum('constructor')",
  "default(range)",
  "quadlet_word",
  "quadlet_env('A')",
  "systemd_escape",
] as const;
const HEAVY = [
  "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
  "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
  "{% set t = 'x' %}{% for i in range(99) %}{% set t = t ~ t %}{% endfor %}{{ t }}",
  "{% set t = [1] %}{% for i in range(99) %}{% set t = [t, t] %}{% endfor %}{{ t | toJson }}",
  "{% include 'main.njk' %}",
  "{{ 'x'.repeat(999999) | replace('x', 'y'.repeat(999999)) }}",
  "{{ ('a'.repeat(99999) ~ 'b') | replace(r/(a|a)*c/g, 'x') }}",
  "{% for i in range(9999) %}{{ range(9999) | join(i) }}{% endfor %}",
] as const;
const TEXTS = [
  "x\nExecStartPre=/bin/evil",
  "x\\",
  '"',
  "'",
  "%h",
  "${HOME}",
  "{{ range.constructor }}",
  "{% raw %}",
  "</script>",
  "# x",
  "[Install]",
  "\u2028\u2029",
  "\u0000",
  "\ud800",
  "a".repeat(20_000),
  " ".repeat(20_000),
  "<".repeat(20_000),
  "{".repeat(5_000),
  "__proto__",
  "-",
  "1e999",
  "\u202e\u200f",
  "ﷺ".repeat(2_000),
] as const;

/** A generated template, sometimes with heavy work in it, and ways out of the sandbox; the same for the same `random`. */
export function attackCase(random: Random): AttackCase {
  const { template, files, context } = new TemplateGenerator(random).generate();
  const templates = [random.chance(0.15) ? `${template}\n${random.pick(HEAVY)}` : template];
  do templates.push(escapeAttempt(random));
  while (random.chance(0.85));
  return { templates, files, decisions: hostileValues(context, random) };
}

function escapeAttempt(random: Random): string {
  let expression: string = random.chance(0.5) ? random.pick(DATA) : random.pick(ROOTS);
  do {
    const member = random.chance(0.25) ? INHERITED : random.pick(MEMBERS);
    const step = random.below(5);
    if (step === 0) expression += `["${member}"]`;
    else if (step === 1) expression += `["${member.slice(0, 3)}" ~ "${member.slice(3)}"]`;
    else if (step === 2) expression = `(${expression} | ${random.pick(HOSTILE_FILTERS)})`;
    else expression += `.${member}`;
    if (random.chance(0.25))
      expression += `(${[random.pick(ARGUMENTS), random.pick(KEYWORDS)].filter(Boolean).join(", ")})`;
  } while (random.chance(0.4)); // short chains get somewhere, long ones into corners
  if (random.chance(0.6)) return `{{ ${expression} | default("nothing there", true) }}`; // goes on where strict mode would refuse
  switch (random.below(6)) {
    case 0:
      return `{% set x = ${expression} %}{{ x }}`;
    case 1:
      return `{% for k, v in ${expression} %}{{ k }}{{ v }}{% endfor %}`;
    case 2:
      return `{% if ${expression} %}{{ ${expression} }}{% endif %}`;
    case 3:
      return `{% macro q(v=${expression}) %}{{ v }}{% endmacro %}{{ q() }}`;
    case 4:
      return `Environment=A={{ ${expression} }}`;
    default:
      return `{{ ${expression} }}`;
  }
}

/** The context as JSON would bring it, with some of its texts replaced and members that carry the names of prototypes. */
function hostileValues(context: Readonly<Record<string, unknown>>, random: Random): Record<string, unknown> {
  const text = JSON.stringify(context, (_key, value: unknown) =>
    typeof value === "string" && random.chance(0.4) ? random.pick(TEXTS) : value,
  );
  const members = random.chance(0.5) ? `"__proto__": {"k": "${ESCAPED.slice(0, 7)}"}, "constructor": "own", ` : "";
  return JSON.parse(text.replace(/^\{/, `{${members}"toJSON": "own", `)) as Record<string, unknown>;
}
