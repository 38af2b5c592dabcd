import type { Expr, Is } from "#render/ast.ts";
import { ASKED, type Compiled } from "#render/compile/compiler.ts";
import { asking, sourceOf } from "#render/compile/source.ts";
import type { Scope } from "#render/compile/scope.ts";
import { isTests, TEST_NAMES } from "#render/is-tests.ts";
import { didYouMean } from "#core/did-you-mean.ts";

/** Tests that may be asked of an undefined value. */
const ASKING_TESTS: ReadonlySet<string> = new Set(["defined", "undefined"]);

export function compileIs(node: Is, scope: Scope): Compiled {
  const { compiler } = scope;
  const { name, args } = testOf(node.right);
  const test = name !== undefined && Object.hasOwn(isTests, name) ? isTests[name] : undefined;
  if (name === undefined || test === undefined) return refuseTest(node, name, scope);
  if (ASKING_TESTS.has(name)) return compileAsking(node, name, scope);
  const value = compiler.operand(node.left, scope).code;
  const argument = args[0] === undefined ? () => undefined : compiler.operand(args[0], scope).code;
  return { code: (slots) => test(slots[0].run, value(slots), argument(slots)) === true };
}

function compileAsking(node: Is, name: string, scope: Scope): Compiled {
  const asked = scope.compiler.expression(node.left, scope, ASKED);
  const isDefined = name === "defined";
  const value = sourceOf(asked);
  return (
    asking(asked.source, isDefined ? "defined" : "undefined") ?? {
      code: (slots) => (value.read(slots) !== undefined) === isDefined,
    }
  );
}

function testOf(right: Expr): { name: string | undefined; args: readonly Expr[] } {
  if (right.typename === "FunCall") return { name: nameOf(right.name), args: right.args.children };
  return { name: nameOf(right), args: [] };
}

const nameOf = (node: Expr): string | undefined => {
  if (node.typename === "Symbol") return node.value;
  return node.typename === "Literal" ? String(node.value) : undefined;
};

function refuseTest(node: Is, name: string | undefined, scope: Scope): Compiled {
  const suggestion = name === undefined ? null : didYouMean(name, TEST_NAMES);
  return scope.compiler.refuse(node.right, {
    code: "unknown_test",
    message: `there is no test "${name ?? "?"}"${suggestion === null ? "" : `; did you mean "${suggestion}"?`}`,
    action: `Use one of: ${TEST_NAMES.join(", ")}.`,
  });
}
