import type { LookupVal, Slice } from "#render/ast.ts";
import { ASKED, type Compiled, type Use } from "#render/compile/compiler.ts";
import type { Code } from "#render/compile/program.ts";
import { loopInScope, type LoopVariables, type Scope } from "#render/compile/scope.ts";
import { describeLookup, type Fail, isChecked, refuseUndefined, undefinedFailure } from "#render/compile/undefined.ts";
import { isPlainKey, memberOf, sliceOf } from "#render/values/member.ts";

export function compileLookup(node: LookupVal, scope: Scope, use: Use): Compiled {
  const { compiler } = scope;
  if (node.val.typename === "Slice") return compileSlice(node, node.val, scope);
  const key = node.val.typename === "Literal" ? node.val.value : undefined;
  if (typeof key === "string") {
    const loop = node.target.typename === "Symbol" && node.target.value === "loop" ? loopInScope(scope) : null;
    const member = loop === null ? undefined : loopMember(loop, key);
    if (member !== undefined) return { code: member };
    if (isPlainKey(key) && !compiler.variant.isTraced) return compilePlainMember({ node, key }, scope, use);
  }
  if (typeof key === "number" && !compiler.variant.isTraced) return compilePlainMember({ node, key }, scope, use);
  // The value before is only asked: the fault, if there is one, names the whole path.
  const target = compiler.expression(node.target, scope, ASKED);
  const index = compiler.operand(node.val, scope);
  const describe = describeLookup(node, scope, target);
  const code = compiler.variant.isTraced ? tracedCode(target.code, index) : memberCode(target.code, index);
  return refuseUndefined({ code }, scope, { use, describe });
}

/** Reads a member and notes which decision that is. */
function tracedCode(target: Code, index: Compiled): Code {
  const key = index.constant?.value;
  const isPlain = typeof key === "number" || (typeof key === "string" && isPlainKey(key));
  if (!isPlain) return tracedMember(target, index.code);
  return (slots) => {
    const container = target(slots);
    const value = plainMember(container, key);
    slots[0].run.tracer?.noteMember(container, key, value);
    return value;
  };
}

const tracedMember =
  (target: Code, keyOf: Code): Code =>
  (slots) => {
    const { run } = slots[0];
    const container = target(slots);
    const key = keyOf(slots);
    const value = memberOf(run, container, key);
    run.tracer?.noteMember(container, key, value);
    return value;
  };

function memberCode(target: Code, index: Compiled): Code {
  if (index.constant !== undefined) {
    const key = index.constant.value;
    return (slots) => memberOf(slots[0].run, target(slots), key);
  }
  const keyOf = index.code;
  return (slots) => {
    const value = target(slots);
    const key = keyOf(slots);
    return typeof key === "number" && Array.isArray(value)
      ? (value[key] as unknown)
      : memberOf(slots[0].run, value, key);
  };
}

function loopMember({ indexSlot, lengthSlot }: LoopVariables, key: string): Code | undefined {
  const index = (slots: readonly unknown[]) => slots[indexSlot] as number;
  const length = (slots: readonly unknown[]) => slots[lengthSlot] as number;
  switch (key) {
    case "index":
      return (slots) => index(slots) + 1;
    case "index0":
      return index;
    case "revindex":
      return (slots) => length(slots) - index(slots);
    case "revindex0":
      return (slots) => length(slots) - index(slots) - 1;
    case "first":
      return (slots) => slots[indexSlot] === 0;
    case "last":
      return (slots) => index(slots) === length(slots) - 1;
    case "length":
      return length;
    default:
      return undefined;
  }
}

/** Reads a key that no prototype has: on data from JSON that is an own property, so nothing needs to be asked. */
const plainMember = (value: unknown, key: string | number): unknown =>
  typeof value === "object" && value !== null
    ? (value as Record<string | number, unknown>)[key]
    : typeof value === "string" && typeof key === "number"
      ? value[key]
      : undefined;

type PlainMember = { readonly node: LookupVal; readonly key: string | number };

/** Chains of plain keys from one slot become one piece of code, with one check at its end. */
function compilePlainMember({ node, key }: PlainMember, scope: Scope, use: Use): Compiled {
  const target = scope.compiler.expression(node.target, scope, ASKED);
  const describe = describeLookup(node, scope, target);
  const fail = isChecked(scope, use) ? undefinedFailure(scope, describe) : null;
  const base = target.path ?? (target.slot === undefined ? undefined : ([target.slot] as const));
  if (base === undefined || base.length > 3) return { code: memberOfAny(target.code, key, fail), describe };
  const [slot, first, second] = base;
  const path = [...base, key] as [number, ...(string | number)[]];
  if (first === undefined) return { path, code: memberOfSlot(slot, key, fail), describe };
  if (second === undefined) return { path, code: memberOfMember(slot, [first, key], fail), describe };
  return { path, code: memberOfAny(memberOfMember(slot, [first, second], null), key, fail), describe };
}

function memberOfAny(target: Code, key: string | number, fail: Fail | null): Code {
  if (fail === null) return (slots) => plainMember(target(slots), key);
  return (slots) => {
    const value = plainMember(target(slots), key);
    if (value === undefined) fail(slots);
    return value;
  };
}

function memberOfSlot(slot: number, key: string | number, fail: Fail | null): Code {
  if (fail === null) return (slots) => plainMember(slots[slot], key);
  return (slots) => {
    const value = plainMember(slots[slot], key);
    if (value === undefined) fail(slots);
    return value;
  };
}

function memberOfMember(slot: number, [first, second]: [string | number, string | number], fail: Fail | null): Code {
  if (fail === null) return (slots) => plainMember(plainMember(slots[slot], first), second);
  return (slots) => {
    const value = plainMember(plainMember(slots[slot], first), second);
    if (value === undefined) fail(slots);
    return value;
  };
}

function compileSlice(node: LookupVal, slice: Slice, scope: Scope): Compiled {
  const { compiler } = scope;
  const target = compiler.operand(node.target, scope).code;
  const [start, stop, step] = [slice.start, slice.stop, slice.step].map(
    (part) => compiler.operand(part, scope).code,
  ) as [Code, Code, Code];
  return { code: (slots) => sliceOf(slots[0].run, target(slots), [start(slots), stop(slots), step(slots)]) };
}
