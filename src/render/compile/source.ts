import type { Compiled } from "#render/compile/compiler.ts";
import type { Code } from "#render/compile/program.ts";
import type { Fail } from "#render/compile/undefined.ts";
import type { Slots } from "#render/run.ts";
import { looseEquals } from "#render/values/operators.ts";
import { plainMember } from "#render/values/plain-member.ts";

/**
 * Where a value comes from, as data. A template runs each of its parts once and then the next one, so what it costs is how much memory
 * it has to touch: one object here stands for three closures with their contexts.
 */
type Kind = "code" | "constant" | "slot" | "member" | "member of member";

/** What is asked of the value that was read. */
type Question = "as is" | "equal" | "different" | "falsy" | "defined" | "undefined";

type SourceParts = {
  readonly kind: Kind;
  readonly code?: Code;
  readonly slot?: number;
  readonly isInRoot?: boolean;
  readonly first?: string | number;
  readonly second?: string | number;
  readonly fail?: Fail | null;
  readonly question?: Question;
  readonly operand?: unknown;
};

const nothing: Code = () => undefined;

/** What reading looks at first comes first: fields that stand together are in memory together. */
export class Source {
  /** The kind, or "special": a variable or a member of which something is asked, or which starts at the template's root. */
  readonly reading: Kind | "special";
  readonly code: Code;
  readonly slot: number;
  readonly first: string | number;
  /** Where the member is kept once it was read (`Unit.keepMember`); 0: nowhere. */
  known = 0;
  /** Refuses an undefined value; null where it may be asked for. */
  readonly fail: Fail | null;
  readonly second: string | number;
  /** A constant's value, or what an equality compares with. */
  readonly operand: unknown;
  readonly question: Question;
  /** The slot is one of the template's root, and a macro reads it. */
  readonly isInRoot: boolean;
  readonly kind: Kind;

  constructor(parts: SourceParts) {
    const { kind, question = "as is", isInRoot = false } = parts;
    this.reading = isInRoot || question !== "as is" ? "special" : kind;
    this.code = parts.code ?? nothing;
    this.slot = parts.slot ?? 0;
    this.first = parts.first ?? "";
    this.fail = parts.fail ?? null;
    this.second = parts.second ?? "";
    this.operand = parts.operand;
    this.question = question;
    this.isInRoot = isInRoot;
    this.kind = kind;
  }

  with(parts: Partial<SourceParts>): Source {
    const { kind, question, slot, isInRoot, first, second, operand, fail, code } = this;
    const copy = new Source({ kind, question, slot, isInRoot, first, second, operand, fail, code, ...parts });
    copy.known = this.known;
    return copy;
  }
}

/** Small, so that it becomes part of whatever reads. */
export const read = (source: Source, slots: Slots): unknown =>
  source.reading === "code" ? source.code(slots) : readData(source, slots);

function firstMember({ slot, first, known }: Source, slots: Slots): unknown {
  const target = slots[slot];
  if (known === 0) return plainMember(target, first);
  if (slots[known] === target) return slots[known + 1];
  const value = plainMember(target, first);
  slots[known] = target;
  slots[known + 1] = value;
  return value;
}

function readData(source: Source, slots: Slots): unknown {
  let value: unknown;
  switch (source.reading) {
    case "member":
      value = firstMember(source, slots);
      break;
    case "slot":
      value = slots[source.slot];
      break;
    case "member of member":
      value = plainMember(firstMember(source, slots), source.second);
      break;
    case "constant":
      return source.operand;
    default:
      return readSpecial(source, slots);
  }
  if (value === undefined && source.fail !== null) source.fail(slots);
  return value;
}

function readSpecial(source: Source, slots: Slots): unknown {
  let value: unknown;
  if (source.isInRoot) {
    value = (slots[0].root ?? slots)[source.slot];
    if (source.kind !== "slot") value = plainMember(value, source.first);
  } else value = source.kind === "slot" ? slots[source.slot] : firstMember(source, slots);
  if (source.kind === "member of member") value = plainMember(value, source.second);
  if (value === undefined && source.fail !== null) source.fail(slots);
  return source.question === "as is" ? value : answer(source, value);
}

function answer({ question, operand }: Source, value: unknown): boolean {
  switch (question) {
    case "equal":
      return equalsConstant(value, operand);
    case "different":
      return !equalsConstant(value, operand);
    case "falsy":
      return !value;
    case "defined":
      return value !== undefined;
    default:
      return value === undefined;
  }
}

/** Equality with a literal, the most frequent comparison: values of the literal's own type need no rules. */
export const equalsConstant = (value: unknown, wanted: unknown): boolean =>
  value === wanted || (typeof value !== typeof wanted && looseEquals(value, wanted));

/** The values of a call's arguments, in their order. Most are few, and a list that is written out needs no room to grow. */
export function valuesOf(sources: readonly Source[], slots: Slots): unknown[] {
  const [first, second, third] = sources;
  if (first === undefined) return [];
  if (second === undefined) return [read(first, slots)];
  if (third === undefined) return [read(first, slots), read(second, slots)];
  const values = [read(first, slots), read(second, slots), read(third, slots)];
  for (const source of sources.slice(3)) values.push(read(source, slots));
  return values;
}

/** The source of any compiled expression. */
export function sourceOf(compiled: Compiled): Source {
  if (compiled.source !== undefined) return compiled.source;
  if (compiled.constant !== undefined) return new Source({ kind: "constant", operand: compiled.constant.value });
  return new Source({ kind: "code", code: compiled.code });
}

/** An expression that is read by data. */
export const compiledFrom = (source: Source): Compiled => ({ source, code: (slots) => read(source, slots) });

const CAN_ASK: ReadonlySet<Kind> = new Set(["slot", "member", "member of member"]);

/** The same source with a question about its value; null where the source cannot carry one. */
export function asking(source: Source | undefined, question: Question, operand?: unknown): Compiled | null {
  if (source === undefined || source.question !== "as is" || !CAN_ASK.has(source.kind)) return null;
  return compiledFrom(source.with({ question, operand }));
}
