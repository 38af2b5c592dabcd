import type { Expr, FunCall } from "#render/ast.ts";
import { ASKED, type Compiled, type Use } from "#render/compile/compiler.ts";
import { compileEntries, type Entry, recordOf } from "#render/compile/literal.ts";
import { unitText } from "#render/compile/unit-text.ts";
import type { Code } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import { type Source, sourceOf, valuesOf } from "#render/compile/source.ts";
import { describeResult, type Fail, isChecked, pathOf, undefinedFailure } from "#render/compile/undefined.ts";
import { type TemplatePlace, TemplateFault } from "#render/fault.ts";
import {
  Binding,
  HostFunction,
  isTextFunction,
  MacroFunction,
  type PreparedCall,
  type TextFunction,
} from "#render/macro-function.ts";
import type { Slots } from "#render/run.ts";
import { didYouMean } from "#core/did-you-mean.ts";
import { capturedText, type Tracer } from "#render/trace/tracer.ts";
import type { Origins } from "#render/trace/origin.ts";
import { Keywords } from "#render/values/keywords.ts";
import { Marked } from "#render/values/marked.ts";
import { SafeString } from "#render/values/safe-string.ts";

export function compileCall(node: FunCall, scope: Scope, use: Use): Compiled {
  const { compiler } = scope;
  if (node.name.typename === "Symbol" && node.name.value === "super" && scope.unit.kind === "block") {
    return compileSuper(node, scope);
  }
  // What is called may run a call body around this one again, in the same slots.
  const call = callParts(node, scope);
  scope.unit.kept.forget();
  const { isUnit } = compiler.variant;
  const describe = describeResult(node, scope, `the result of \`${call.name}\``);
  const other = otherCode(call, isChecked(scope, use) ? undefinedFailure(scope, describe) : null);
  return { code: valueCode(call, other, isUnit), text: textCode(call, other, isUnit), describe };
}

/** What a function that is no macro yields. */
type OtherCode = (callee: unknown, slots: Slots) => unknown;

function otherCode(call: CallParts, fail: Fail | null): OtherCode {
  if (fail === null) return (callee, slots) => callOther(call, callee, slots);
  return (callee, slots) => {
    const value = callOther(call, callee, slots);
    if (value === undefined) fail(slots);
    return value;
  };
}

type CallParts = {
  readonly callee: Source;
  readonly args: readonly Source[];
  readonly keywords: readonly Entry[] | null;
  readonly place: TemplatePlace;
  readonly name: string;
  readonly isTraced: boolean;
  /** Of the macro that was called last: nearly always the one that is called next. */
  binding: Binding | null;
  /** The arguments behind the first, where all of them are literals, and what the function that was called last made of them. */
  readonly rest: readonly unknown[] | null;
  prepared: { readonly callee: HostFunction; readonly code: PreparedCall } | null;
};

function callParts(node: FunCall, scope: Scope): CallParts {
  const { compiler } = scope;
  const last = node.args.children.at(-1);
  const named = last?.typename === "KeywordArgs" ? last : null;
  const positional = named === null ? node.args.children : node.args.children.slice(0, -1);
  const callee = sourceOf(compiler.expression(node.name, scope, ASKED));
  const args = positional.map((arg) => sourceOf(compiler.expression(arg, scope)));
  const rest = args.slice(1);
  const isPrepared = named === null && rest.length > 0 && rest.every(({ kind }) => kind === "constant");
  // By name, arguments are looked at in the order of the parameters, if at all.
  const keywords = named === null ? null : scope.unit.kept.maybe(() => compileEntries(named, scope));
  return {
    callee,
    args,
    keywords,
    place: compiler.place(node),
    name: calleeName(node.name),
    isTraced: compiler.variant.isTraced,
    binding: null,
    rest: isPrepared ? rest.map(({ operand }) => operand) : null,
    prepared: null,
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
function valueCode(call: CallParts, other: OtherCode, isUnit: boolean): Code {
  return (slots) => {
    const callee = call.callee.read(slots);
    if (!isTextFunction(callee)) return other(callee, slots);
    const text = call.isTraced ? callCaptured(call, callee, slots) : callText(call, callee, slots);
    return new SafeString(text, isUnit);
  };
}

const callCaptured = (call: CallParts, callee: TextFunction, slots: Slots): string =>
  capturedText(slots, () => callText(call, callee, slots));

/** The call's printed text: a macro's is not wrapped, and was checked for unit files part by part. */
function textCode(call: CallParts, other: OtherCode, isUnit: boolean): Code {
  const { callee: calleeSource, isTraced } = call;
  return (slots) => {
    const callee = calleeSource.read(slots);
    if (callee instanceof MacroFunction && !isTraced) return callMacro(call, callee, slots);
    if (isTextFunction(callee)) return callText(call, callee, slots);
    const value = other(callee, slots);
    return isUnit ? unitText(slots[0].run, value) : value;
  };
}

/** Calls a macro by writing arguments straight into its slots: its parameters have the first ones, in their order. */
function callMacro(call: CallParts, callee: MacroFunction, slots: Slots): string {
  const { args, keywords } = call;
  const { parameterCount } = callee;
  const inner = callee.open();
  for (let i = 0; i < args.length; i++) {
    const value = (args[i] as Source).read(slots);
    if (i < parameterCount) inner[i + 1] = value;
  }
  if (keywords === null && args.length >= parameterCount) return callee.run(inner);
  const { namedSlots, defaults } = bindingOf(call, callee);
  for (let i = 0; i < namedSlots.length; i++) {
    const [, source] = (keywords as readonly Entry[])[i] as Entry;
    const value = source.read(slots);
    const slot = namedSlots[i] as number;
    if (slot > 0) inner[slot] = value;
  }
  return callee.run(inner, defaults);
}

function bindingOf(call: CallParts, { code }: MacroFunction): Binding {
  if (call.binding?.code === code) return call.binding;
  const { args, keywords } = call;
  call.binding = new Binding(
    code,
    args.length,
    (keywords ?? []).map(([name]) => name),
  );
  return call.binding;
}

const NO_ARGUMENTS: readonly unknown[] = [];

function callText(call: CallParts, callee: TextFunction, slots: Slots): string {
  const { args, keywords } = call;
  if (call.isTraced) return callTraced(call, callee, slots);
  if (callee instanceof MacroFunction) return callMacro(call, callee, slots);
  const named = keywords === null ? null : new Keywords(recordOf(keywords, slots));
  return callee.invoke(args.length === 0 ? NO_ARGUMENTS : valuesOf(args, slots), named);
}

/** The macro's parameters come from what its arguments were read from. */
function callTraced(call: CallParts, callee: TextFunction, slots: Slots): string {
  const { tracer } = slots[0].run;
  if (tracer === null) return "";
  if (callee instanceof MacroFunction) return callMacroTraced(call, callee, { slots, tracer });
  const given = call.args.map((arg) => tracer.reading(() => arg.read(slots)));
  const values = given.map(({ value }) => value);
  const origins = given.map((each) => each.origins);
  return callee.invoke(values, keywordsTraced(call, slots, tracer), origins);
}

function callMacroTraced(
  call: CallParts,
  callee: MacroFunction,
  { slots, tracer }: { slots: Slots; tracer: Tracer },
): string {
  const { slots: inner, origins } = callee.openTraced();
  let count = 0;
  for (const arg of call.args) {
    const outer = tracer.startReading();
    const value = arg.read(slots);
    const from = tracer.stopReading(outer);
    count++;
    if (count > callee.parameterCount) continue;
    inner[count] = value;
    origins[count] = from;
  }
  return callee.finish(inner, count, keywordsTraced(call, slots, tracer));
}

function keywordsTraced({ keywords }: CallParts, slots: Slots, tracer: Tracer): Keywords | null {
  if (keywords === null) return null;
  const values: Record<string, unknown> = {};
  const origins: Record<string, Origins> = {};
  for (const [name, source] of keywords) {
    const outer = tracer.startReading();
    values[name] = source.read(slots);
    origins[name] = tracer.stopReading(outer);
  }
  return new Keywords(values, origins);
}

function callOther(call: CallParts, callee: unknown, slots: Slots): unknown {
  const { args, keywords, place, rest } = call;
  const { run } = slots[0];
  if (rest !== null && run.tracer === null && callee instanceof HostFunction && callee.prepare !== null) {
    const first = (args[0] as Source).read(slots);
    run.charge(1, place);
    const context = { run, place };
    if (call.prepared?.callee !== callee) call.prepared = { callee, code: callee.prepare(context, rest) };
    return call.prepared.code(context, first);
  }
  const values = valuesOf(args, slots);
  if (run.tracer !== null) for (const value of values) run.tracer.noteWhole(value);
  if (keywords !== null) values.push(new Keywords(recordOf(keywords, slots)));
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
function compileSuper(node: FunCall, { compiler }: Scope): Compiled {
  const place = compiler.place(node);
  const run = (slots: Slots): string => {
    const activation = slots[0];
    const { block, instance } = activation;
    const chain = block === null ? [] : instance.blocksOf(block.name);
    const next = block === null ? undefined : chain[chain.indexOf(block) + 1];
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
  const { isTraced, isUnit } = compiler.variant;
  return {
    code: (slots) => new SafeString(isTraced ? capturedText(slots, run) : run(slots), isUnit),
    text: run,
  };
}
