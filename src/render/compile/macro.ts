import type { Caller, Expr, Macro } from "#render/ast.ts";
import type { Compiled } from "#render/compile/compiler.ts";
import type { TextCode } from "#render/compile/program.ts";
import { declareAssignments, openUnitScope, Scope, Unit } from "#render/compile/scope.ts";
import { defineName } from "#render/compile/set.ts";
import { CallerFunction, type MacroCode, MacroFunction, type Parameter } from "#render/macro-function.ts";
import { blankSlots, rootOf, stepsOfWeight } from "#render/run.ts";

const NONE: ReadonlySet<string> = new Set();

type Declared = { readonly name: string; readonly defaultExpr: Expr | null };

/** Parameters by position, then those with defaults (which the parser gives as keyword arguments). */
function declaredParameters(args: readonly Expr[], scope: Scope): Declared[] {
  const declared: Declared[] = [];
  for (const arg of args) {
    if (arg.typename === "Symbol") declared.push({ name: arg.value, defaultExpr: null });
    else if (arg.typename === "KeywordArgs" || arg.typename === "Dict") {
      for (const pair of arg.children) {
        if (pair.key.typename === "Symbol" || (pair.key.typename === "Literal" && typeof pair.key.value === "string")) {
          declared.push({ name: String(pair.key.value), defaultExpr: pair.value });
        }
      }
    } else {
      scope.compiler.refuse(arg, {
        code: "syntax",
        message: "a parameter must be a name",
        action: "Write a name, or name=default.",
      });
    }
  }
  return declared;
}

function compileParameters(args: readonly Expr[], scope: Scope): Parameter[] {
  const { compiler } = scope;
  const declared = declaredParameters(args, scope);
  const names = new Set(declared.map(({ name }) => name));
  const [first] = args;
  if (names.size < declared.length && first !== undefined) {
    const message = "two parameters have the same name";
    scope.compiler.refuse(first, { code: "syntax", message, action: "Rename one of them." });
  }
  const slots = declared.map(({ name }) => scope.declare(name, { isBound: true }).slot);
  for (const name of names) scope.unit.noteAssigned(name);
  return declared.map(({ name, defaultExpr }, index) => ({
    name,
    slot: slots[index] ?? 0,
    defaultCode:
      defaultExpr === null ? null : scope.unit.kept.maybe(() => compiler.expression(defaultExpr, scope)).code,
  }));
}

export function compileMacro(node: Macro, scope: Scope): TextCode {
  const { compiler } = scope;
  if (node.name.typename !== "Symbol") {
    compiler.refuse(node, { code: "syntax", message: "a macro needs a name", action: "Write {% macro name(...) %}." });
    return () => "";
  }
  const define = defineName(node.name.value, scope);
  const unit = new Unit(compiler, "macro", scope.unit.root);
  const parameters = compileParameters(node.args.children, unit.scope);
  const callerSlot = unit.scope.declare("caller").slot;
  const inner = openUnitScope(unit, node.body.children, NONE);
  const wasInBlock = compiler.isInBlock;
  compiler.isInBlock = true;
  const body = compiler.body(node.body.children, inner);
  compiler.isInBlock = wasInBlock;
  const place = compiler.place(node);
  const steps = 1 + stepsOfWeight(node.weight);
  let code: MacroCode | null = null;
  return (slots) => {
    // The number of slots is known only when all of the template is compiled.
    code ??= { blank: blankSlots(unit.slotCount), parameters, callerSlot, body, place, steps };
    define(slots, new MacroFunction(code, rootOf(slots)));
    return "";
  };
}

/** The body of a `{% call %}`, as the function that the macro knows as `caller`. */
export function compileCaller(node: Caller, scope: Scope): Compiled {
  const { compiler } = scope;
  const inner = new Scope(scope.unit, scope, true);
  scope.unit.kept.forget();
  const parameters = compileParameters(node.args.children, inner);
  declareAssignments(inner, node.body.children);
  const body = compiler.body(node.body.children, inner);
  const innerSlots = [...inner.variables.values()].map((variable) => variable.slot);
  const steps = 1 + stepsOfWeight(node.weight);
  const code = { parameters, innerSlots, body, place: compiler.place(node), steps };
  return { code: (slots) => new CallerFunction(code, slots) };
}
