import type { FilterNode } from "#render/ast.ts";
import type { Compiled, TemplateCompiler } from "#render/compile/compiler.ts";
import { ASKED, compileExpression, type Use, USED } from "#render/compile/expression.ts";
import { compileEntries, recordCode } from "#render/compile/literal.ts";
import type { Code } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import { refuseUndefined } from "#render/compile/undefined.ts";
import type { TemplatePlace } from "#render/fault.ts";
import { FILTER_NAMES, filterNamed, refusedFilterReason } from "#render/filters/filters.ts";
import type { Filter } from "#render/filters/filter.ts";
import type { Run } from "#render/run.ts";
import { didYouMean } from "#core/did-you-mean.ts";
import { Keywords } from "#render/values/keywords.ts";

export function compileFilter(compiler: TemplateCompiler, node: FilterNode, scope: Scope, use: Use): Compiled {
  const name = node.name.value;
  const filter = filterNamed(name);
  if (filter === undefined) return refuseFilter(compiler, node);
  const isDefault = name === "default" || name === "d";
  const args = node.args.children.map((arg, index) => {
    if (arg.typename === "KeywordArgs") {
      const record = recordCode(compileEntries(compiler, arg, scope));
      return (slots: Parameters<Code>[0]) => new Keywords(record(slots));
    }
    return compileExpression(compiler, arg, scope, isDefault && index === 0 ? ASKED : USED).code;
  });
  const [input, first, ...rest] = args;
  if (input === undefined) return refuseFilter(compiler, node);
  if (isDefault && first !== undefined && rest.length === 0) return { code: defaultCode(input, first) };
  const code = filterCode({ filter, input, args: args.slice(1), place: compiler.place(node) });
  return refuseUndefined(compiler, { code }, use, { node, scope });
}

/** `x | default(y)`: y is not even computed while x has a value. */
const defaultCode =
  (input: Code, fallback: Code): Code =>
  (slots) => {
    const value = input(slots);
    return value === undefined ? fallback(slots) : value;
  };

type FilterCall = {
  readonly filter: Filter;
  readonly input: Code;
  readonly args: readonly Code[];
  readonly place: TemplatePlace;
};

function filterCode({ filter, input, args, place }: FilterCall): Code {
  const [first, second] = args;
  if (first === undefined) {
    return (slots) => {
      const { run } = slots[0];
      const value = input(slots);
      chargeInput(run, value, place);
      return checked(run, filter(run, value), place);
    };
  }
  if (second === undefined) {
    return (slots) => {
      const { run } = slots[0];
      const value = input(slots);
      const argument = first(slots);
      chargeInput(run, value, place);
      return checked(run, filter(run, value, argument), place);
    };
  }
  return (slots) => {
    const { run } = slots[0];
    const value = input(slots);
    const values = args.map((arg) => arg(slots));
    chargeInput(run, value, place);
    return checked(run, filter(run, value, ...values), place);
  };
}

function chargeInput(run: Run, value: unknown, place: TemplatePlace): void {
  if (typeof value === "string" && value.length < 64) run.charge(1, place);
  else run.chargeValue(value, place);
}

function checked(run: Run, result: unknown, place: TemplatePlace): unknown {
  if (typeof result === "string" && result.length > 64) {
    run.charge(result.length >>> 6, place);
    run.checkString(result.length, "a filter");
  }
  return result;
}

function refuseFilter(compiler: TemplateCompiler, node: FilterNode): Compiled {
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
