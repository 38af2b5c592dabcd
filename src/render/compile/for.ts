import type { For } from "#render/ast.ts";
import type { TextCode } from "#render/compile/program.ts";
import { declareAssignments, type LoopVariables, Scope } from "#render/compile/scope.ts";
import { type Source, sourceOf } from "#render/compile/source.ts";
import { type Body, EMPTY_BODY } from "#render/compile/step.ts";
import { type TemplatePlace, TemplateFault } from "#render/fault.ts";
import { type Run, type Slots, stepsOfWeight } from "#render/run.ts";
import { choiceOf } from "#render/trace/trace-statement.ts";
import { tracedFor } from "#render/trace/trace-for.ts";
import { LONG_TEXT_CHARS } from "#render/values/meter.ts";
import { Marked } from "#render/values/marked.ts";
import { SafeString } from "#render/values/safe-string.ts";

/** What a round costs beside what runs in it: more than a call, because rounds are what a render takes many of. */
const ROUND_STEPS = 2;

/** One value of a round and where in the looped value it stands. */
type Part = { readonly container: unknown; readonly key: string | number; readonly value: unknown };
type Rounds = { readonly length: number; parts(index: number): Part[] };

type LoopParts = {
  readonly list: Source;
  readonly body: Body;
  readonly otherwise: Body;
  /** Slots of the loop's variables: one for items; two or more unpack pairs or a mapping's entries. */
  readonly targets: readonly number[];
  readonly isUnpacking: boolean;
  readonly variables: LoopVariables;
  /** Variables that the body sets: they belong to the loop as a whole and start without a value. */
  readonly ownSlots: readonly number[];
  readonly place: TemplatePlace;
  readonly roundSteps: number;
};

/** A compiled loop. Its steps are apart, because traced variants put theirs between them. */
export class Loop {
  declare readonly list: Source;
  declare readonly body: Body;
  declare readonly otherwise: Body;
  declare readonly targets: readonly number[];
  declare readonly place: TemplatePlace;
  declare readonly roundSteps: number;
  declare readonly indexSlot: number;
  declare readonly lengthSlot: number;
  declare readonly objectSlot: number | null;
  declare readonly ownSlots: readonly number[];
  declare readonly isUnpacking: boolean;

  constructor(parts: LoopParts) {
    this.list = parts.list;
    this.body = parts.body;
    this.otherwise = parts.otherwise;
    this.targets = parts.targets;
    this.place = parts.place;
    this.roundSteps = parts.roundSteps;
    ({ indexSlot: this.indexSlot, lengthSlot: this.lengthSlot, objectSlot: this.objectSlot } = parts.variables);
    this.ownSlots = parts.ownSlots;
    this.isUnpacking = parts.isUnpacking;
  }

  begin(slots: Slots, length: number): void {
    const { run } = slots[0];
    if (length > run.limits.rangeItems) run.checkItems(length, "the loop");
    for (const slot of this.ownSlots) slots[slot] = undefined;
    slots[this.lengthSlot] = length;
    if (this.objectSlot !== null) slots[this.objectSlot] = {};
  }

  startRound(slots: Slots, index: number, length: number): void {
    slots[0].run.charge(this.roundSteps, this.place);
    slots[this.indexSlot] = index;
    if (this.objectSlot !== null) setLoopObject(slots[this.objectSlot], index, length);
  }

  end(slots: Slots, text: string): void {
    const { run } = slots[0];
    if (text.length >= LONG_TEXT_CHARS) run.checkText(text, "a loop");
  }

  /** The rounds of a looped value: none for what cannot be looped over. */
  roundsOf(run: Run, value: unknown): Rounds {
    return this.isUnpacking ? unpackingRounds(run, value, this.targets.length) : itemRounds(value);
  }
}

export function compileFor(node: For, scope: Scope): TextCode {
  const { compiler } = scope;
  const list = sourceOf(compiler.expression(node.arr, scope));
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
  const otherwise = node.else_ === null ? EMPTY_BODY : compiler.body(node.else_.children, inner);
  if (!isLoopHidden) inner.declare("loop", { isBound: true, loop: variables });
  const body = compiler.body(node.body.children, inner);
  const ownSlots = [...inner.variables.values()].filter(({ isBound }) => !isBound).map(({ slot }) => slot);
  const isUnpacking = node.name.typename !== "Symbol";
  const place = compiler.place(node);
  const roundSteps = ROUND_STEPS + stepsOfWeight(node.weight);
  const loop = new Loop({ list, body, otherwise, targets, isUnpacking, variables, ownSlots, place, roundSteps });
  if (compiler.variant.isTraced) {
    return tracedFor(loop, choiceOf(place, [node.body.children, node.else_?.children ?? []], scope));
  }
  return isUnpacking ? loopUnpacking(loop) : loopOverItems(loop);
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
  const { list, body, otherwise, place, roundSteps, indexSlot, objectSlot } = loop;
  const target = loop.targets[0] ?? 0;
  return (slots) => {
    const value = list.read(slots);
    const items = Array.isArray(value) ? (value as unknown[]) : itemsOf(value);
    if (items === null || items.length === 0) return otherwise.run(slots);
    const { length } = items;
    const { run } = slots[0];
    loop.begin(slots, length);
    let text = "";
    for (let i = 0; i < length; i++) {
      run.steps += roundSteps;
      if (run.steps > run.stepsMax) run.charge(0, place);
      slots[target] = items[i];
      slots[indexSlot] = i;
      if (objectSlot !== null) setLoopObject(slots[objectSlot], i, length);
      text += body.run(slots);
    }
    loop.end(slots, text);
    return text;
  };
}

function loopUnpacking(loop: Loop): TextCode {
  const { list, body, otherwise, targets, place, roundSteps, indexSlot, objectSlot } = loop;
  const [keySlot = 0, valueSlot = 0] = targets;
  return (slots) => {
    const value = list.read(slots);
    const items = value instanceof Map || value instanceof Set ? Array.from(value as Iterable<unknown>) : value;
    const keys = Array.isArray(items) ? null : keysOf(slots[0].run, items);
    const length = keys === null ? (items as unknown[]).length : keys.length;
    if (length === 0) return otherwise.run(slots);
    const { run } = slots[0];
    loop.begin(slots, length);
    let text = "";
    for (let i = 0; i < length; i++) {
      run.steps += roundSteps;
      if (run.steps > run.stepsMax) run.charge(0, place);
      slots[indexSlot] = i;
      if (objectSlot !== null) setLoopObject(slots[objectSlot], i, length);
      if (keys === null) unpack(slots, targets, (items as unknown[])[i]);
      else {
        const key = keys[i] ?? "";
        slots[keySlot] = key;
        slots[valueSlot] = valueOf(items, key, i);
      }
      text += body.run(slots);
    }
    loop.end(slots, text);
    return text;
  };
}

/** The keys of a mapping, the indexes of a text; anything else has none. A text is held against the limit before it has keys. */
function keysOf(run: Run, value: unknown): string[] {
  if (value instanceof Marked) return value.refuse();
  if (typeof value === "string") {
    run.checkItems(value.length, "the loop");
    return Object.keys(value);
  }
  return typeof value === "object" && value !== null && !(value instanceof SafeString) ? Object.keys(value) : [];
}

/** A text's characters are found by number: a key of digits would be read as a number again each round. */
const valueOf = (items: unknown, key: string, index: number): unknown =>
  typeof items === "string" ? items[index] : (items as Record<string, unknown>)[key];

function unpack(slots: Slots, targets: readonly number[], item: unknown): void {
  const parts = partsOfItem(item, targets.length);
  for (let index = 0; index < targets.length; index++) slots[targets[index] ?? 0] = parts[index];
}

function partsOfItem(item: unknown, count: number): ArrayLike<unknown> {
  if (typeof item === "string" || Array.isArray(item)) return item;
  if (typeof item === "object" && item !== null)
    return Array.from({ length: count }, (_, index) => ownPart(item, index));
  if (item !== undefined && item !== null) return [];
  throw new TemplateFault({
    code: "type",
    message: `an item of the list cannot be unpacked into ${count} variables`,
    action: "Loop over a list of pairs or a mapping, or use one variable.",
  });
}

const ownPart = (item: object, index: number): unknown =>
  Object.hasOwn(item, index) ? (item as Record<number, unknown>)[index] : undefined;

function itemRounds(value: unknown): Rounds {
  const items = itemsOf(value);
  if (items === null) return { length: 0, parts: () => [] };
  return { length: items.length, parts: (index) => [{ container: value, key: index, value: items[index] }] };
}

function unpackingRounds(run: Run, value: unknown, count: number): Rounds {
  const items: unknown = value instanceof Map || value instanceof Set ? Array.from(value as Iterable<unknown>) : value;
  if (Array.isArray(items)) return { length: items.length, parts: (index) => unpackedParts(items[index], count) };
  const keys = keysOf(run, items);
  return {
    length: keys.length,
    parts: (index) => {
      const key = keys[index] ?? "";
      return [
        { container: null, key, value: key },
        { container: items, key, value: valueOf(items, key, index) },
      ];
    },
  };
}

function unpackedParts(item: unknown, count: number): Part[] {
  const parts = partsOfItem(item, count);
  return Array.from({ length: count }, (_, index) => ({ container: item, key: String(index), value: parts[index] }));
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
