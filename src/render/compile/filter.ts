import type { FilterNode } from "#render/ast.ts";
import { ASKED, type Compiled, type Use } from "#render/compile/compiler.ts";
import { compileEntries, recordOf } from "#render/compile/literal.ts";
import type { Code } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
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
    if (arg.typename === "KeywordArgs") return keywordsCode(compileEntries(arg, scope));
    if (isDefault) return compiler.expression(arg, scope, index === 0 ? ASKED : use).code;
    const isShape = compiler.variant.isTraced && SHAPE_FILTERS.has(name);
    return isShape ? readShape(compiler.expression(arg, scope)).code : compiler.operand(arg, scope).code;
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
function defaultCode(input: Code, fallback: Code, isForFalsy: Code | undefined): Code {
  if (isForFalsy === undefined) {
    return (slots) => {
      const value = input(slots);
      return value === undefined ? fallback(slots) : value;
    };
  }
  return (slots) => {
    const value = input(slots);
    const isMissing = isForFalsy(slots) ? !value : value === undefined;
    return isMissing ? fallback(slots) : value;
  };
}

type FilterCall = {
  readonly filter: Filter;
  readonly input: Code;
  readonly args: readonly Code[];
  readonly place: TemplatePlace;
  /** Refuses an undefined result; null where it may be asked for. */
  readonly fail: Fail | null;
};

function filterCode({ filter, input, args, place, fail }: FilterCall): Code {
  const [first, second] = args;
  if (first === undefined) {
    return (slots) => {
      const { run } = slots[0];
      const value = input(slots);
      chargeInput(run, value, place);
      const result = filter(run, value);
      if (result === undefined && fail !== null) fail(slots);
      return checked(run, result, place);
    };
  }
  if (second === undefined) {
    return (slots) => {
      const { run } = slots[0];
      const value = input(slots);
      const argument = first(slots);
      chargeInput(run, value, place);
      const result = filter(run, value, argument);
      if (result === undefined && fail !== null) fail(slots);
      return checked(run, result, place);
    };
  }
  return (slots) => {
    const { run } = slots[0];
    const value = input(slots);
    const values = args.map((arg) => arg(slots));
    chargeInput(run, value, place);
    const result = filter(run, value, ...values);
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
