import type { For } from "#render/ast.ts";
import { compileBody } from "#render/compile/body.ts";
import type { TemplateCompiler } from "#render/compile/compiler.ts";
import { compileExpression } from "#render/compile/expression.ts";
import type { Code, TextCode } from "#render/compile/program.ts";
import { declareAssignments, type LoopVariables, Scope } from "#render/compile/scope.ts";
import { type TemplatePlace, TemplateFault } from "#render/fault.ts";
import type { Run, Slots } from "#render/run.ts";
import { Marked } from "#render/values/marked.ts";
import { SafeString } from "#render/values/safe-string.ts";

type Loop = {
  readonly list: Code;
  readonly body: TextCode;
  readonly otherwise: TextCode;
  /** Slots of the loop's variables: one for items; two or more unpack pairs or a mapping's entries. */
  readonly targets: readonly number[];
  readonly variables: LoopVariables;
  /** Variables that the body sets: they belong to the loop as a whole and start without a value. */
  readonly ownSlots: readonly number[];
  readonly place: TemplatePlace;
};

export function compileFor(compiler: TemplateCompiler, node: For, scope: Scope): TextCode {
  const list = compileExpression(compiler, node.arr, scope).code;
  const inner = new Scope(scope.unit, scope);
  const names = node.name.typename === "Symbol" ? [node.name] : node.name.children;
  const targets: number[] = [];
  for (const name of names) {
    if (name.typename === "Symbol") targets.push(inner.declare(name.value, { isBound: true }).slot);
    else compiler.refuse(name, { code: "syntax", message: "a loop variable must be a name", action: "Write a name." });
  }
  const variables: LoopVariables = {
    indexSlot: scope.unit.newSlot(),
    lengthSlot: scope.unit.newSlot(),
    objectSlot: null,
  };
  const isLoopHidden = inner.variables.has("loop");
  // In `else` the loop never ran: there `loop` is the one around it. It is compiled before the name is declared.
  declareAssignments(inner, node.body.children);
  if (node.else_ !== null) declareAssignments(inner, node.else_.children);
  const otherwise = node.else_ === null ? () => "" : compileBody(compiler, node.else_.children, inner);
  if (!isLoopHidden) inner.declare("loop", { isBound: true, loop: variables });
  const body = compileBody(compiler, node.body.children, inner);
  const ownSlots = [...inner.variables.values()].filter(({ isBound }) => !isBound).map(({ slot }) => slot);
  const loop: Loop = { list, body, otherwise, targets, variables, ownSlots, place: compiler.place(node) };
  return node.name.typename === "Symbol" ? loopOverItems(loop) : loopUnpacking(loop);
}

/** What can be looped over: lists as they are, texts by character, maps and sets as lists. */
function itemsOf(value: unknown): ArrayLike<unknown> | null {
  if (Array.isArray(value) || typeof value === "string") return value;
  if (value instanceof SafeString) return Array.from(value.toString());
  if (value instanceof Map || value instanceof Set) return Array.from(value as Iterable<unknown>);
  if (value instanceof Marked) return value.refuse();
  return null;
}

function loopOverItems(loop: Loop): TextCode {
  const { list, body, otherwise, place } = loop;
  const target = loop.targets[0] ?? 0;
  const { indexSlot, lengthSlot, objectSlot } = loop.variables;
  return (slots) => {
    const value = list(slots);
    const items = Array.isArray(value) ? (value as unknown[]) : itemsOf(value);
    if (items === null || items.length === 0) return otherwise(slots);
    const { length } = items;
    const { run } = slots[0];
    begin(loop, slots, length);
    const outer = objectSlot === null ? null : openLoopObject(slots, objectSlot);
    let text = "";
    for (let i = 0; i < length; i++) {
      if (++run.steps > run.limits.steps) run.charge(0, place);
      slots[target] = items[i];
      slots[indexSlot] = i;
      slots[lengthSlot] = length;
      if (objectSlot !== null) setLoopObject(slots[objectSlot], i, length);
      text += body(slots);
    }
    if (text.length > run.limits.stringChars) run.checkString(text.length, "a loop");
    if (objectSlot !== null) slots[objectSlot] = outer;
    return text;
  };
}

function begin(loop: Loop, slots: Slots, length: number): void {
  const { run } = slots[0];
  if (length > run.limits.rangeItems) run.checkItems(length, "the loop");
  for (const slot of loop.ownSlots) slots[slot] = undefined;
}

/** The variables of one round of a loop that unpacks: items of a pair, or key and value. */
type Round = (slots: Slots, index: number) => void;

function loopUnpacking(loop: Loop): TextCode {
  const { list, body, otherwise, place, targets } = loop;
  const { indexSlot, lengthSlot, objectSlot } = loop.variables;
  return (slots) => {
    const { length, round } = unpacking(list(slots), targets);
    if (length === 0) return otherwise(slots);
    const { run } = slots[0];
    begin(loop, slots, length);
    const outer = objectSlot === null ? null : openLoopObject(slots, objectSlot);
    let text = "";
    for (let i = 0; i < length; i++) {
      if (++run.steps > run.limits.steps) run.charge(0, place);
      round(slots, i);
      slots[indexSlot] = i;
      slots[lengthSlot] = length;
      if (objectSlot !== null) setLoopObject(slots[objectSlot], i, length);
      text += body(slots);
    }
    checkText(run, text);
    if (objectSlot !== null) slots[objectSlot] = outer;
    return text;
  };
}

const checkText = (run: Run, text: string) => run.checkString(text.length, "a loop");

function unpacking(value: unknown, targets: readonly number[]): { length: number; round: Round } {
  const list = value instanceof Map || value instanceof Set ? itemsOf(value) : value;
  if (Array.isArray(list)) {
    return { length: list.length, round: (slots, index) => unpack(slots, targets, list[index]) };
  }
  if (list instanceof Marked) return list.refuse();
  if (typeof list !== "string" && (typeof list !== "object" || list === null || list instanceof SafeString)) {
    return { length: 0, round: () => undefined };
  }
  const entries = Object.entries(list);
  const [keySlot = 0, valueSlot = 0] = targets;
  const round: Round = (slots, index) => {
    const entry = entries[index];
    slots[keySlot] = entry?.[0];
    slots[valueSlot] = entry?.[1];
  };
  return { length: entries.length, round };
}

function unpack(slots: Slots, targets: readonly number[], item: unknown): void {
  const parts = typeof item === "object" && item !== null ? (item as Record<number, unknown>) : null;
  if (parts === null && typeof item !== "string") {
    throw new TemplateFault({
      code: "type",
      message: `an item of the list cannot be unpacked into ${targets.length} variables`,
      action: "Loop over a list of pairs or a mapping, or use one variable.",
    });
  }
  targets.forEach((slot, index) => {
    slots[slot] = parts === null ? (item as string)[index] : Object.hasOwn(parts, index) ? parts[index] : undefined;
  });
}

function openLoopObject(slots: Slots, objectSlot: number): unknown {
  const outer = slots[objectSlot];
  slots[objectSlot] = {};
  return outer;
}

/** The `loop` object is one for the whole loop, as in Nunjucks: who keeps it sees it move. */
function setLoopObject(object: unknown, index: number, length: number): void {
  Object.assign(object as object, {
    index: index + 1,
    index0: index,
    revindex: length - index,
    revindex0: length - index - 1,
    first: index === 0,
    last: index === length - 1,
    length,
  });
}
