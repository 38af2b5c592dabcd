import type { FilterNode } from "#render/ast.ts";
import { ASKED, type Compiled, type Use } from "#render/compile/compiler.ts";
import { compileEntries, recordOf } from "#render/compile/literal.ts";
import type { Code } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import { CONSTANT, read, type Source, sourceOf } from "#render/compile/source.ts";
import { describeResult, type Fail, isChecked, undefinedFailure } from "#render/compile/undefined.ts";
import type { TemplatePlace } from "#render/fault.ts";
import { FILTER_NAMES, filterNamed, refusedFilterReason } from "#render/filters/filters.ts";
import type { Filter } from "#render/filters/filter.ts";
import type { Run } from "#render/run.ts";
import { readShape } from "#render/trace/read-whole.ts";
import { didYouMean } from "#core/did-you-mean.ts";
import { Marked } from "#render/values/marked.ts";
import { Keywords } from "#render/values/keywords.ts";

export function compileFilter(node: FilterNode, scope: Scope, use: Use): Compiled {
  const { compiler } = scope;
  const name = node.name.value;
  const filter = filterNamed(name);
  if (filter === undefined) return refuseFilter(node, scope);
  const isDefault = name === "default" || name === "d";
  const args = node.args.children.map((arg, index) => {
    if (arg.typename === "KeywordArgs") return sourceOf({ code: keywordsCode(compileEntries(arg, scope)) });
    if (isDefault) return sourceOf(compiler.expression(arg, scope, index === 0 ? ASKED : use));
    const isShape = compiler.variant.isTraced && SHAPE_FILTERS.has(name);
    return sourceOf(isShape ? readShape(compiler.expression(arg, scope)) : compiler.operand(arg, scope));
  });
  const [input, first, ...rest] = args;
  if (input === undefined) return refuseFilter(node, scope);
  if (isDefault && first !== undefined) return { code: defaultCode(input, first, rest[0]) };
  const describe = describeResult(node, scope, `what | ${name} gives`);
  const fail = isChecked(scope, use) ? undefinedFailure(scope, describe) : null;
  return { code: filterCode({ filter, input, args: args.slice(1), place: compiler.place(node), fail }), describe };
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
      const value = read(input, slots);
      return value === undefined ? read(fallback, slots) : value;
    };
  }
  return (slots) => {
    const value = read(input, slots);
    const isMissing = read(isForFalsy, slots) ? !value : value === undefined;
    return isMissing ? read(fallback, slots) : value;
  };
}

type FilterCall = {
  readonly filter: Filter;
  readonly input: Source;
  readonly args: readonly Source[];
  readonly place: TemplatePlace;
  /** Refuses an undefined result; null where it may be asked for. */
  readonly fail: Fail | null;
};

function filterCode({ filter, input, args, place, fail }: FilterCall): Code {
  // Arguments that are constants, as most are, are made once: no filter changes what it is given.
  const isConstant = args.every(({ kind }) => kind === CONSTANT);
  if (isConstant) {
    const values: readonly unknown[] = args.map(({ operand }) => operand);
    return (slots) => {
      const { run } = slots[0];
      const value = read(input, slots);
      chargeInput(run, value, place);
      const result = filter(run, value, values);
      if (result === undefined && fail !== null) fail(slots);
      return checked(run, result, place);
    };
  }
  return (slots) => {
    const { run } = slots[0];
    const value = read(input, slots);
    const values = args.map((arg) => read(arg, slots));
    chargeInput(run, value, place);
    const result = filter(run, value, values);
    if (result === undefined && fail !== null) fail(slots);
    return checked(run, result, place);
  };
}

function chargeInput(run: Run, value: unknown, place: TemplatePlace): void {
  if (typeof value === "string" && value.length < 64) {
    if (++run.steps > run.stepsMax) run.charge(0, place);
    return;
  }
  if (value instanceof Marked) value.refuse();
  run.chargeValue(value, place);
}

function checked(run: Run, result: unknown, place: TemplatePlace): unknown {
  if (typeof result === "string" && result.length > 64) {
    run.charge(result.length >>> 6, place);
    run.checkString(result.length, "a filter");
  }
  return result;
}

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
