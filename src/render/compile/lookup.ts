import type { LookupVal, Slice } from "#render/ast.ts";
import { ASKED, type Compiled, type Use } from "#render/compile/compiler.ts";
import type { KeptMembers, MemberPath } from "#render/compile/kept-members.ts";
import type { Code } from "#render/compile/program.ts";
import { loopInScope, type LoopVariables, type Scope } from "#render/compile/scope.ts";
import { compiledFrom, Source, sourceOf } from "#render/compile/source.ts";
import { describeLookup, type Fail, isChecked, refuseUndefined, undefinedFailure } from "#render/compile/undefined.ts";
import { plainMember } from "#render/values/plain-member.ts";
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
  const member = compiler.variant.isTraced ? compileTraced(target, index) : { code: memberCode(target, index) };
  return refuseUndefined(member, scope, { use, describe });
}

/** Reads a member and notes which decision that is; plain keys in a row are read by one piece of code. */
function compileTraced(target: Compiled, index: Compiled): Compiled {
  const key = index.constant?.value;
  const isPlain = typeof key === "number" || (typeof key === "string" && isPlainKey(key));
  if (!isPlain) return { code: tracedMember(target.code, index.code) };
  const { base, keys: before } = target.chain ?? { base: target.code, keys: [] };
  const keys = [...before, key];
  const code: Code = (slots) => {
    let value = base(slots);
    const { tracer } = slots[0].run;
    for (const each of keys) {
      const member = plainMember(value, each);
      tracer?.noteMember(value, each, member);
      value = member;
    }
    return value;
  };
  return { code, chain: { base, keys } };
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

function memberCode(target: Compiled, index: Compiled): Code {
  const from = sourceOf(target);
  const keyOf = sourceOf(index);
  return (slots) => {
    const value = from.read(slots);
    const key = keyOf.read(slots);
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

type PlainMember = { readonly node: LookupVal; readonly key: string | number };

/** Chains of plain keys are sources, with one check at their end. */
function compilePlainMember({ node, key }: PlainMember, scope: Scope, use: Use): Compiled {
  const target = scope.compiler.expression(node.target, scope, ASKED);
  const describe = describeLookup(node, scope, target);
  const fail = isChecked(scope, use) ? undefinedFailure(scope, describe) : null;
  const { kept } = scope.unit;
  const path = MOVING_KEYS.has(key) ? undefined : pathOf(target, kept)?.member(key);
  if (path === undefined) return { ...compiledFrom(memberSource(target, key, fail)), describe };
  const slot = kept.sureSlot(path);
  const source = slot === null ? memberSource(target, key, fail) : new Source({ kind: "slot", slot, fail });
  if (slot === null) kept.noteReader(path, source);
  return { source, code: (slots) => source.read(slots), path, describe };
}

function pathOf({ path, source }: Compiled, kept: KeptMembers): MemberPath | undefined {
  if (path !== undefined) return path;
  const isVariable = source?.kind === "slot" && !source.isInRoot && source.question === "as is";
  return isVariable ? kept.ofSlot(source.slot) : undefined;
}

function memberSource(target: Compiled, key: string | number, fail: Fail | null): Source {
  const from = sourceOf(target);
  const { kind, question, slot, isInRoot } = from;
  if (question === "as is" && kind === "slot") return new Source({ kind: "member", slot, isInRoot, first: key, fail });
  if (question === "as is" && kind === "member") return from.with({ kind: "member of member", second: key, fail });
  return new Source({ kind: "member of source", from, first: key, fail });
}

/** Members of what the engine itself moves on (`loop`, `cycler()`) are read anew; no data changes while a template runs. */
const MOVING_KEYS: ReadonlySet<string | number> = new Set([
  "current",
  "first",
  "index",
  "index0",
  "last",
  "length",
  "revindex",
  "revindex0",
]);

function compileSlice(node: LookupVal, slice: Slice, scope: Scope): Compiled {
  const { compiler } = scope;
  const target = compiler.operand(node.target, scope).code;
  const [start, stop, step] = [slice.start, slice.stop, slice.step].map(
    (part) => compiler.operand(part, scope).code,
  ) as [Code, Code, Code];
  return { code: (slots) => sliceOf(slots[0].run, target(slots), [start(slots), stop(slots), step(slots)]) };
}
