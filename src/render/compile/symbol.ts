import type { SymbolNode } from "#render/ast.ts";
import { type Compiled, FAILED, silence, type TemplateCompiler } from "#render/compile/compiler.ts";
import type { Use } from "#render/compile/expression.ts";
import type { Code } from "#render/compile/program.ts";
import { type NameRead, resolveName, type Scope } from "#render/compile/scope.ts";
import { isChecked, refuseUndefined, undefinedFailure } from "#render/compile/undefined.ts";
import { rootOf } from "#render/run.ts";

/** Jinja's spelling of constants, where no variable has that name (Nunjucks' Jinja mode). */
const JINJA_CONSTANTS: Readonly<Record<string, unknown>> = { True: true, False: false, None: null };

export function compileSymbol(compiler: TemplateCompiler, node: SymbolNode, scope: Scope, use: Use): Compiled {
  const name = node.value;
  const read = resolveName(name, scope);
  if (Object.hasOwn(JINJA_CONSTANTS, name)) return compileJinjaConstant(name, read);
  const plain = readCode(read);
  if (compiler.variant.isCollecting) {
    const code: Code = (slots) => {
      const value = plain(slots);
      if (value === FAILED) silence();
      return value;
    };
    return refuseUndefined(compiler, { code }, use, { node, scope });
  }
  const slot = singleSlot(read);
  if (slot === null) return refuseUndefined(compiler, { code: plain }, use, { node, scope });
  if (!isChecked(compiler, use)) return { code: plain, slot };
  const fail = undefinedFailure(compiler, { node, scope });
  return {
    slot,
    code: (slots) => {
      const value = slots[slot];
      if (value === undefined) fail(slots);
      return value;
    },
  };
}

const singleSlot = (read: NameRead): number | null =>
  read.rootSlot === null && read.slots.length === 1 ? (read.slots[0] ?? null) : null;

/** Reads the first of the slots that has a value. */
export function readCode({ slots: numbers, rootSlot }: NameRead): Code {
  const [first, second] = numbers;
  if (rootSlot !== null) {
    if (first === undefined) return (slots) => rootOf(slots)[rootSlot];
    return (slots) => {
      const value = firstDefined(slots, numbers);
      return value === undefined ? rootOf(slots)[rootSlot] : value;
    };
  }
  if (first === undefined) return () => undefined;
  if (second === undefined) return (slots) => slots[first];
  if (numbers.length === 2) {
    return (slots) => {
      const value = slots[first];
      return value === undefined ? slots[second] : value;
    };
  }
  return (slots) => firstDefined(slots, numbers);
}

function firstDefined(slots: readonly unknown[], numbers: readonly number[]): unknown {
  for (const number of numbers) {
    const value = slots[number];
    if (value !== undefined) return value;
  }
  return undefined;
}

function compileJinjaConstant(name: string, read: NameRead): Compiled {
  const code = readCode(read);
  const constant = JINJA_CONSTANTS[name];
  return {
    code: (slots) => {
      const value = code(slots);
      return value === undefined && slots[0].run.host.isJinja ? constant : value;
    },
  };
}
