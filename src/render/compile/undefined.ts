import { pointerToken } from "#core/json.ts";
import type { Expr } from "#render/ast.ts";
import type { Compiled, TemplateCompiler } from "#render/compile/compiler.ts";
import type { Use } from "#render/compile/expression.ts";
import type { Code } from "#render/compile/program.ts";
import { type Scope, visibleNames } from "#render/compile/scope.ts";
import { TemplateFault } from "#render/fault.ts";
import type { Slots } from "#render/run.ts";
import { didYouMean } from "#core/did-you-mean.ts";

/** Ends a fast run: the collecting run that follows finds out where and what. */
export const UNDEFINED = new TemplateFault({ code: "undefined", message: "a value is undefined", action: "" });

/** The names that lead to a value, as far as the template writes them out: `svc.ports[0]` gives svc, ports, 0. */
export function pathOf(node: Expr): string[] | null {
  if (node.typename === "Symbol") return [node.value];
  if (node.typename !== "LookupVal") return null;
  const target = pathOf(node.target);
  if (target === null || node.val.typename !== "Literal") return null;
  return [...target, String(node.val.value)];
}

export const isChecked = (compiler: TemplateCompiler, use: Use) => compiler.variant.isStrict && !use.isAsking;

type Context = { readonly node: Expr; readonly scope: Scope; readonly target?: Code };

/** The same expression, refusing an undefined value where the variant and the use ask for that. */
export function refuseUndefined(compiler: TemplateCompiler, compiled: Compiled, use: Use, context: Context): Compiled {
  if (!isChecked(compiler, use)) return compiled;
  const { code } = compiled;
  const fail = undefinedFailure(compiler, context);
  const { slot: _slot, ...rest } = compiled;
  return {
    ...rest,
    code: (slots) => {
      const value = code(slots);
      if (value === undefined) fail(slots);
      return value;
    },
  };
}

export function undefinedFailure(compiler: TemplateCompiler, context: Context): (slots: Slots) => never {
  if (!compiler.variant.isCollecting) {
    return () => {
      throw UNDEFINED;
    };
  }
  return (slots) => {
    throw describe(compiler, context, slots);
  };
}

function describe(compiler: TemplateCompiler, context: Context, slots: Slots): TemplateFault {
  const { node, scope, target } = context;
  const place = compiler.place(node.typename === "LookupVal" ? node.val : node);
  const parent = target?.(slots);
  if (node.typename === "LookupVal" && target !== undefined && (parent === undefined || parent === null)) {
    const what = pathOf(node.target)?.join(".") ?? "the value before it";
    const key = pathOf(node)?.at(-1) ?? "a key";
    return undefinedFault({
      message: `\`${what}\` is ${parent === null ? "null" : "undefined"}, so it has no \`${key}\``,
      place,
    });
  }
  const path = pathOf(node);
  const name = path?.at(-1);
  const known = node.typename === "Symbol" ? namesAt(scope, slots) : keysOf(parent);
  const suggestion = name === undefined ? null : didYouMean(name, known);
  const decision = decisionOf(node, { slots, parent, path });
  const hint = suggestion === null ? "" : `; did you mean \`${suggestion}\`?`;
  return undefinedFault({ message: `\`${path?.join(".") ?? "the value"}\` is undefined${hint}`, place, decision });
}

const undefinedFault = (details: { message: string; place: TemplateFault["place"]; decision?: string | undefined }) =>
  new TemplateFault({
    ...details,
    code: "undefined",
    action:
      "Correct the name, give the decision a default in the schema, or test it with `is defined` or `| default(...)`.",
  });

const keysOf = (value: unknown): string[] => (typeof value === "object" && value !== null ? Object.keys(value) : []);

function namesAt(scope: Scope, slots: Slots): Set<string> {
  const { instance, view } = slots[0];
  const names = new Set([...Object.keys(instance.values), ...Object.keys(instance.globals)]);
  for (const name of visibleNames(scope).keys()) names.add(name);
  for (let at = view; at !== null; at = at.parent) for (const name of at.names.keys()) names.add(name);
  return names;
}

/** The decision that is missing: known where the value before the last key is part of the decisions. */
function decisionOf(
  node: Expr,
  known: { slots: Slots; parent: unknown; path: readonly string[] | null },
): string | undefined {
  const { slots, parent, path } = known;
  const name = path?.at(-1);
  if (name === undefined) return undefined;
  if (node.typename === "Symbol") return `/${pointerToken(name)}`;
  const pointer = typeof parent === "object" && parent !== null ? slots[0].run.host.pointerOf(parent) : undefined;
  return pointer === undefined ? undefined : `${pointer}/${pointerToken(name)}`;
}
