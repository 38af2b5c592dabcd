import type { Expr, FunCall } from "#render/ast.ts";
import { type Compiled, type TemplateCompiler } from "#render/compile/compiler.ts";
import { ASKED, compileExpression, type Use } from "#render/compile/expression.ts";
import { compileEntries, recordCode } from "#render/compile/literal.ts";
import type { Code } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import { pathOf, refuseUndefined } from "#render/compile/undefined.ts";
import { type TemplatePlace, TemplateFault } from "#render/fault.ts";
import { HostFunction, MacroFunction, TextFunction } from "#render/macro-function.ts";
import type { Slots } from "#render/run.ts";
import { didYouMean } from "#core/did-you-mean.ts";
import { Keywords } from "#render/values/keywords.ts";
import { Marked } from "#render/values/marked.ts";
import { SafeString } from "#render/values/safe-string.ts";

export function compileCall(compiler: TemplateCompiler, node: FunCall, scope: Scope, use: Use): Compiled {
  if (node.name.typename === "Symbol" && node.name.value === "super" && scope.unit.kind === "block") {
    return compileSuper(compiler, node);
  }
  const call = callParts(compiler, node, scope);
  const { isUnit } = compiler.variant;
  const value = valueCode(call, isUnit);
  const compiled = refuseUndefined(compiler, { code: value }, use, { node, scope });
  return { ...compiled, text: textCode(call, compiled.code) };
}

type CallParts = {
  readonly callee: Code;
  readonly args: readonly Code[];
  readonly keywords: ((slots: Slots) => Record<string, unknown>) | null;
  readonly place: TemplatePlace;
  readonly name: string;
};

function callParts(compiler: TemplateCompiler, node: FunCall, scope: Scope): CallParts {
  const last = node.args.children.at(-1);
  const named = last?.typename === "KeywordArgs" ? last : null;
  const positional = named === null ? node.args.children : node.args.children.slice(0, -1);
  return {
    callee: compileExpression(compiler, node.name, scope, ASKED).code,
    args: positional.map((arg) => compileExpression(compiler, arg, scope).code),
    keywords: named === null ? null : recordCode(compileEntries(compiler, named, scope)),
    place: compiler.place(node),
    name: calleeName(node.name),
  };
}

const calleeName = (node: Expr): string => {
  if (node.typename === "FunCall") return `the return value of (${calleeName(node.name)})`;
  if (node.typename === "LookupVal" && node.val.typename === "Literal") {
    return `${calleeName(node.target)}["${String(node.val.value)}"]`;
  }
  return pathOf(node)?.join(".") ?? "--expression--";
};

/** The call's value: what a macro returns is a SafeString, as in Nunjucks. */
function valueCode(call: CallParts, isUnit: boolean): Code {
  return (slots) => {
    const callee = call.callee(slots);
    if (callee instanceof TextFunction) return new SafeString(callText(call, callee, slots), isUnit);
    return callOther(call, callee, slots);
  };
}

/** The call's printed text; a macro's is not wrapped. */
function textCode(call: CallParts, value: Code): Code {
  return (slots) => {
    const callee = call.callee(slots);
    return callee instanceof TextFunction ? callText(call, callee, slots) : value(slots);
  };
}

function callText(call: CallParts, callee: TextFunction, slots: Slots): string {
  const { args, keywords } = call;
  if (callee instanceof MacroFunction) {
    const inner = callee.open();
    for (let i = 0; i < args.length; i++) {
      const value = args[i]?.(slots);
      const slot = callee.slotOf(i);
      if (slot !== null) inner[slot] = value;
    }
    return callee.finish(inner, args.length, keywords === null ? null : new Keywords(keywords(slots)));
  }
  const values = args.map((arg) => arg(slots));
  return callee.invoke(values, keywords === null ? null : new Keywords(keywords(slots)));
}

function callOther(call: CallParts, callee: unknown, slots: Slots): unknown {
  const { args, keywords, place } = call;
  const values: unknown[] = args.map((arg) => arg(slots));
  if (keywords !== null) values.push(new Keywords(keywords(slots)));
  const { run } = slots[0];
  run.charge(1, place);
  if (callee instanceof HostFunction) return callee.call({ run, place }, values);
  if (typeof callee === "function") return (callee as (...args: unknown[]) => unknown)(...values);
  throw notCallable(call.name, callee, slots);
}

function notCallable(name: string, callee: unknown, slots: Slots): TemplateFault {
  if (callee instanceof Marked) return callee.refuse();
  const what = callee ? "not a function" : "undefined or falsey";
  const suggestion = didYouMean(name, Object.keys(slots[0].instance.globals));
  return new TemplateFault({
    code: "not_callable",
    message: `Unable to call \`${name}\`, which is ${what}${suggestion === null ? "" : `; did you mean \`${suggestion}\`?`}`,
    action: "Import or define the macro, or use a filter.",
  });
}

/** `super()`: the block of the same name in the template that is extended. */
function compileSuper(compiler: TemplateCompiler, node: FunCall): Compiled {
  const place = compiler.place(node);
  const run = (slots: Slots): string => {
    const activation = slots[0];
    const { block, instance } = activation;
    const chain = block === null ? undefined : instance.blocks[block.name];
    const next = block === null ? undefined : chain?.[chain.indexOf(block) + 1];
    if (next === undefined) {
      throw new TemplateFault({
        code: "no_super",
        message: "no template that is extended has a block of this name",
        action: "Remove super().",
        place,
      });
    }
    return next.run(activation, activation.view);
  };
  const { isUnit } = compiler.variant;
  return { code: (slots) => new SafeString(run(slots), isUnit), text: run };
}
