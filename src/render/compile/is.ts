import type { Expr, Is } from "#render/ast.ts";
import type { Compiled, TemplateCompiler } from "#render/compile/compiler.ts";
import { ASKED, compileExpression, USED } from "#render/compile/expression.ts";
import type { Scope } from "#render/compile/scope.ts";
import { isTests, TEST_NAMES } from "#render/is-tests.ts";
import { didYouMean } from "#core/did-you-mean.ts";

/** Tests that may be asked of an undefined value. */
const ASKING_TESTS: ReadonlySet<string> = new Set(["defined", "undefined"]);

export function compileIs(compiler: TemplateCompiler, node: Is, scope: Scope): Compiled {
  const { name, args } = testOf(node.right);
  const test = name !== undefined && Object.hasOwn(isTests, name) ? isTests[name] : undefined;
  if (name === undefined || test === undefined) return refuseTest(compiler, node, name);
  const value = compileExpression(compiler, node.left, scope, ASKING_TESTS.has(name) ? ASKED : USED).code;
  if (name === "defined") return { code: (slots) => value(slots) !== undefined };
  if (name === "undefined") return { code: (slots) => value(slots) === undefined };
  const argument = args[0] === undefined ? () => undefined : compileExpression(compiler, args[0], scope).code;
  return { code: (slots) => test(slots[0].run, value(slots), argument(slots)) === true };
}

function testOf(right: Expr): { name: string | undefined; args: readonly Expr[] } {
  if (right.typename === "FunCall") return { name: nameOf(right.name), args: right.args.children };
  return { name: nameOf(right), args: [] };
}

const nameOf = (node: Expr): string | undefined => {
  if (node.typename === "Symbol") return node.value;
  return node.typename === "Literal" ? String(node.value) : undefined;
};

function refuseTest(compiler: TemplateCompiler, node: Is, name: string | undefined): Compiled {
  const suggestion = name === undefined ? null : didYouMean(name, TEST_NAMES);
  return compiler.refuse(node.right, {
    code: "unknown_test",
    message: `there is no test "${name ?? "?"}"${suggestion === null ? "" : `; did you mean "${suggestion}"?`}`,
    action: `Use one of: ${TEST_NAMES.join(", ")}.`,
  });
}
