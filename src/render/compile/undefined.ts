import { didYouMean } from "#core/did-you-mean.ts";
import { pointerToken } from "#core/json.ts";
import type { Expr, LookupVal, SymbolNode } from "#render/ast.ts";
import type { Compiled, Use } from "#render/compile/compiler.ts";
import type { Scope } from "#render/compile/scope.ts";
import { type TemplatePlace, TemplateFault } from "#render/fault.ts";
import type { Slots } from "#render/run.ts";

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

export const isChecked = (scope: Scope, use: Use) => scope.compiler.variant.isStrict && !use.isAsking;

/** Ends the run, or in collecting variants the statement, because a needed value is undefined. */
export type Fail = (slots: Slots) => never;
export type Describe = (slots: Slots) => TemplateFault;

export function undefinedFailure(scope: Scope, describe: Describe): Fail {
  if (scope.compiler.variant.isCollecting) {
    return (slots) => {
      throw describe(slots);
    };
  }
  return endRun;
}

const endRun: Fail = () => {
  throw UNDEFINED;
};

/** The same expression, refusing an undefined value where the variant and the use ask for that. */
export function refuseUndefined(compiled: Compiled, scope: Scope, at: { use: Use; describe: Describe }): Compiled {
  if (!isChecked(scope, at.use)) return { ...compiled, describe: at.describe };
  const { code } = compiled;
  const fail = undefinedFailure(scope, at.describe);
  return {
    code: (slots) => {
      const value = code(slots);
      if (value === undefined) fail(slots);
      return value;
    },
  };
}

/** A name that nothing around it has. All that it takes to say so is found out when somebody asks: nearly always nobody does. */
export function describeSymbol(node: SymbolNode, scope: Scope): Describe {
  return (slots) => {
    const place = scope.compiler.place(node);
    const suggestion = didYouMean(node.value, namesAt(scope, slots));
    const isMissing = !isVisible(scope, node.value);
    return undefinedFault(place, {
      what: `\`${node.value}\` is undefined`,
      suggestion,
      decision: isMissing ? `/${pointerToken(node.value)}` : undefined,
    });
  };
}

/** A member that its value does not have, or that is asked of nothing. */
export function describeLookup(node: LookupVal, scope: Scope, target: Compiled): Describe {
  return (slots) => {
    const place = scope.compiler.place(node.val.typename === "Literal" ? node.val : node);
    const path = pathOf(node);
    const what = path === null ? "the value" : `\`${path.join(".")}\``;
    const parent = target.code(slots);
    if (parent === undefined && target.describe !== undefined) return target.describe(slots);
    if (parent === null) {
      const before = pathOf(node.target)?.join(".") ?? "the value before it";
      return undefinedFault(place, { what: `${what} is undefined, because \`${before}\` is null`, suggestion: null });
    }
    const key = path?.at(-1);
    const isObject = typeof parent === "object" && parent !== undefined;
    const pointer = isObject ? slots[0].run.host.pointerOf(parent) : undefined;
    return undefinedFault(place, {
      what: `${what} is undefined`,
      suggestion: key === undefined || !isObject ? null : didYouMean(key, Object.keys(parent)),
      decision: pointer === undefined || key === undefined ? undefined : `${pointer}/${pointerToken(key)}`,
    });
  };
}

/** A result of a call or filter. */
export function describeResult(node: Expr, scope: Scope, what: string): Describe {
  return () => undefinedFault(scope.compiler.place(node), { what: `${what} is undefined`, suggestion: null });
}

type Missing = { readonly what: string; readonly suggestion: string | null; readonly decision?: string | undefined };

const undefinedFault = (place: TemplatePlace, { what, suggestion, decision }: Missing) =>
  new TemplateFault({
    code: "undefined",
    message: suggestion === null ? what : `${what}; did you mean \`${suggestion}\`?`,
    action:
      "Correct the name, give the decision a default in the schema, or test it with `is defined` or `| default(...)`.",
    place,
    decision,
  });

function namesAt(scope: Scope, slots: Slots): Set<string> {
  const { instance, view } = slots[0];
  const names = new Set([...Object.keys(instance.values), ...Object.keys(instance.globals)]);
  for (let at: Scope | null = scope; at !== null; at = at.parent)
    for (const name of at.variables.keys()) names.add(name);
  for (let at = view; at !== null; at = at.parent) for (const name of at.names.keys()) names.add(name);
  return names;
}

function isVisible(scope: Scope, name: string): boolean {
  for (let at: Scope | null = scope; at !== null; at = at.parent) if (at.variables.has(name)) return true;
  return false;
}
