import type { SymbolNode } from "#render/ast.ts";
import { type Compiled, FAILED, silence, type Use } from "#render/compile/compiler.ts";
import type { Code } from "#render/compile/program.ts";
import { type NameRead, resolveName, type Scope } from "#render/compile/scope.ts";
import { compiledFrom, Source } from "#render/compile/source.ts";
import { describeSymbol, type Fail, isChecked, refuseUndefined, undefinedFailure } from "#render/compile/undefined.ts";
import { rootOf, type Slots } from "#render/run.ts";
import { NO_ORIGINS } from "#render/trace/origin.ts";

/** Jinja's spelling of constants, where no variable has that name (Nunjucks' Jinja mode). */
const JINJA_CONSTANTS: Readonly<Record<string, unknown>> = { True: true, False: false, None: null };

export function compileSymbol(node: SymbolNode, scope: Scope, use: Use): Compiled {
  const { variant } = scope.compiler;
  const name = node.value;
  const read = resolveName(name, scope);
  if (Object.hasOwn(JINJA_CONSTANTS, name)) return compileJinjaConstant(name, read);
  const describe = describeSymbol(node, scope);
  const at = { use, describe };
  if (variant.isTraced) return refuseUndefined({ code: tracedRead(read) }, scope, at);
  if (variant.isCollecting) return refuseUndefined({ code: silencedRead(readCode(read)) }, scope, at);
  const source = slotSource(read, isChecked(scope, use) ? undefinedFailure(scope, describe) : null);
  return source === null ? refuseUndefined({ code: readCode(read) }, scope, at) : { ...compiledFrom(source), describe };
}

function slotSource({ slots: numbers, rootSlot }: NameRead, fail: Fail | null): Source | null {
  const [first, second] = numbers;
  if (rootSlot !== null)
    return first === undefined ? new Source({ kind: "slot", slot: rootSlot, isInRoot: true, fail }) : null;
  return first === undefined || second !== undefined ? null : new Source({ kind: "slot", slot: first, fail });
}

/** A variable whose value could not be computed was reported where it was set. */
const silencedRead =
  (read: Code): Code =>
  (slots) => {
    const value = read(slots);
    if (value === FAILED) silence();
    return value;
  };

/** Reads a name and notes where its value comes from. */
function tracedRead({ slots: numbers, rootSlot }: NameRead): Code {
  const [first, second] = numbers;
  if (first !== undefined && second === undefined && rootSlot === null) return (slots) => noteSlot(slots, first);
  return (slots) => {
    for (const number of numbers) {
      const value = noteSlot(slots, number);
      if (value !== undefined) return value;
    }
    return rootSlot === null ? undefined : noteSlot(rootOf(slots), rootSlot);
  };
}

function noteSlot(slots: Slots, number: number): unknown {
  const { origins, run } = slots[0];
  const from = origins === null ? undefined : origins[number];
  if (from !== undefined && from !== NO_ORIGINS) run.tracer?.note(from);
  return slots[number];
}

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
