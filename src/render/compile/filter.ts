import type { FilterNode } from "#render/ast.ts";
import { ASKED, type Compiled, type Use } from "#render/compile/compiler.ts";
import { compileEntries, recordOf } from "#render/compile/literal.ts";
import type { Code } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import { asking, compiledAt, type Source, sourceOf, valuesOf } from "#render/compile/source.ts";
import { describeResult, type Fail, isChecked, undefinedFailure } from "#render/compile/undefined.ts";
import { FILTER_NAMES, filterNamed, refusedFilterReason } from "#render/filters/filters.ts";
import type { Filter } from "#render/filters/filter.ts";
import type { TemplatePlace } from "#render/fault.ts";
import type { Run, Slots } from "#render/run.ts";
import { readShape } from "#render/trace/read-whole.ts";
import { didYouMean } from "#core/did-you-mean.ts";
import { Keywords } from "#render/values/keywords.ts";
import { Marked } from "#render/values/marked.ts";
import { SafeString } from "#render/values/safe-string.ts";

export function compileFilter(node: FilterNode, scope: Scope, use: Use): Compiled {
  const { compiler } = scope;
  const name = node.name.value;
  const filter = filterNamed(name);
  if (filter === undefined) return refuseFilter(node, scope);
  const isDefault = name === "default" || name === "d";
  const args = node.args.children.map((arg, index) => {
    if (arg.typename === "KeywordArgs") return sourceOf({ code: keywordsCode(compileEntries(arg, scope)) });
    if (isDefault && index === 0) return sourceOf(compiler.expression(arg, scope, ASKED));
    if (isDefault) return sourceOf(scope.unit.kept.maybe(() => compiler.expression(arg, scope, use)));
    const isShape = compiler.variant.isTraced && SHAPE_FILTERS.has(name);
    return sourceOf(isShape ? readShape(compiler.expression(arg, scope)) : compiler.operand(arg, scope));
  });
  const [input, first, ...rest] = args;
  if (input === undefined) return refuseFilter(node, scope);
  if (isDefault && first !== undefined) {
    const isPlain = rest.length === 0 && first.kind === "constant";
    return (isPlain ? asking(input, "or else", first.operand) : null) ?? { code: defaultCode(input, first, rest[0]) };
  }
  const describe = describeResult(node, scope, `what | ${name} gives`);
  const fail = isChecked(scope, use) ? undefinedFailure(scope, describe) : null;
  const given = args.slice(1);
  const isConstant = given.every(({ kind }) => kind === "constant");
  const constants = isConstant ? given.map(({ operand }) => operand) : null;
  const isShort = SHORT_FILTERS.has(name);
  const stepsOfUnit = isShort ? 0 : HEAVY_FILTERS.has(name) ? 4 : 1;
  const call = new FilterCall({
    filter,
    input,
    args: given,
    constants,
    isShort,
    stepsOfUnit,
    place: compiler.place(node),
    fail,
  });
  return { ...compiledAt(call), describe };
}

/** What a filter may read or write without being charged for its size: what the call weighs (parse/expression-parser.ts) is enough. */
const CHARS_OF_A_STEP = 64;

/** What a call site of a filter knows: `value | filter(...)`. */
type FilterCallParts = {
  readonly input: Source;
  readonly filter: Filter;
  /** The arguments, where all are constants, as most are: made once, because no filter changes what it is given. */
  readonly constants: readonly unknown[] | null;
  /** To have a list is part of the step, however long the list is: the filter charges for the items that it looks at. */
  readonly isShort: boolean;
  /** Refuses an undefined result; null where it may be asked for. */
  readonly fail: Fail | null;
  readonly args: readonly Source[];
  /** What it costs to do with a character or an item what the filter does, beside looking at it. */
  readonly stepsOfUnit: number;
  readonly place: TemplatePlace;
};

/** What is looked at in each call stands in the object itself, the rest in `parts`. */
class FilterCall {
  declare readonly parts: FilterCallParts;
  declare readonly input: Source;
  declare readonly filter: Filter;
  declare readonly constants: readonly unknown[] | null;
  declare readonly isShort: boolean;
  declare readonly fail: Fail | null;

  constructor(parts: FilterCallParts) {
    this.input = parts.input;
    this.filter = parts.filter;
    this.constants = parts.constants;
    this.isShort = parts.isShort;
    this.fail = parts.fail;
    this.parts = parts;
  }

  value(slots: Slots): unknown {
    const { input } = this;
    const value = input.site === null ? input.read(slots) : input.site.value(slots);
    const given = this.constants ?? valuesOf(this.parts.args, slots);
    const { run } = slots[0];
    const isSmall = typeof value === "string" ? value.length < CHARS_OF_A_STEP : this.isShort && Array.isArray(value);
    if (!isSmall) this.#chargeInput(run, value);
    const filter = this.filter;
    const result = filter(run, value, given);
    if (typeof result === "string") {
      if (result.length > CHARS_OF_A_STEP) this.#chargeResult(run, result);
    } else if (result === undefined) this.fail?.(slots);
    return result;
  }

  #chargeInput(run: Run, value: unknown): void {
    if (value instanceof Marked) value.refuse();
    const { stepsOfUnit, place } = this.parts;
    run.chargeValue(value, place);
    if (typeof value === "string" || Array.isArray(value) || value instanceof SafeString)
      run.charge(value.length * stepsOfUnit, place);
  }

  #chargeResult(run: Run, result: string): void {
    run.charge(result.length >>> 6, this.parts.place);
    run.checkString(result.length, "a filter");
  }
}

const keywordsCode =
  (entries: ReturnType<typeof compileEntries>): Code =>
  (slots) =>
    new Keywords(recordOf(entries, slots));

/** Filters whose result holds the members of their input, or only counts them. */
const SHAPE_FILTERS: ReadonlySet<string> = new Set(["dictsort", "first", "last", "length", "list", "reverse"]);

/** `x | default(y)`: y is not even computed while x has a value; `default(y, true)` asks whether x is true. */
function defaultCode(input: Source, fallback: Source, isForFalsy: Source | undefined): Code {
  if (isForFalsy === undefined) {
    return (slots) => {
      const value = input.read(slots);
      return value === undefined ? fallback.read(slots) : value;
    };
  }
  return (slots) => {
    const value = input.read(slots);
    const isMissing = isForFalsy.read(slots) ? !value : value === undefined;
    return isMissing ? fallback.read(slots) : value;
  };
}

/** Filters that look at no more of a list than its ends, or that charge for each item themselves. */
const SHORT_FILTERS: ReadonlySet<string> = new Set(["first", "join", "last", "length"]);

/** Filters that take several times as long for each character, or, like `sum` of texts, that copy what they made before. */
const HEAVY_FILTERS: ReadonlySet<string> = new Set([
  "quadlet_env",
  "sum",
  "systemd_escape",
  "title",
  "urlencode",
  "urlize",
]);

function refuseFilter(node: FilterNode, { compiler }: Scope): Compiled {
  const name = node.name.value;
  const reason = refusedFilterReason(name);
  if (reason !== undefined) {
    return compiler.refuse(node.name, {
      code: "refused_filter",
      message: `the filter "${name}" is refused: ${reason}`,
      action: "Remove it.",
    });
  }
  const suggestion = didYouMean(name, FILTER_NAMES);
  const hint = suggestion === null ? "" : `; did you mean "${suggestion}"?`;
  return compiler.refuse(node.name, {
    code: "unknown_filter",
    message: `there is no filter "${name}"${hint}`,
    action:
      "Use a filter of Nunjucks 3.2.4, fromJson, toJson, quadlet_word, quadlet_env, quadlet_text or systemd_escape.",
  });
}
