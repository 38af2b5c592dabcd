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
export const CODE = 0;
export const CONSTANT = 1;
export const SLOT = 2;
export const MEMBER = 3;
export const MEMBER_OF_MEMBER = 4;
/** One of the last three, of which something is asked, or which starts at the template's root. */
const SPECIAL = 5;
type Kind = typeof CODE | typeof CONSTANT | typeof SLOT | typeof MEMBER | typeof MEMBER_OF_MEMBER;

/** What is asked of the value that was read. */
export const AS_IS = 0;
export const IS_EQUAL = 1;
export const IS_DIFFERENT = 2;
export const IS_FALSY = 3;
export const IS_DEFINED = 4;
export const IS_UNDEFINED = 5;
type Question =
  | typeof AS_IS
  | typeof IS_EQUAL
  | typeof IS_DIFFERENT
  | typeof IS_FALSY
  | typeof IS_DEFINED
  | typeof IS_UNDEFINED;

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
  /** The kind, or `SPECIAL`: what reading has to look at. */
  readonly reading: Kind | typeof SPECIAL;
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
    const { kind, question = AS_IS, isInRoot = false } = parts;
    this.reading = isInRoot || question !== AS_IS ? SPECIAL : kind;
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
  source.reading === CODE ? source.code(slots) : readData(source, slots);

export function firstMember({ slot, first, known }: Source, slots: Slots): unknown {
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
    case MEMBER:
      value = firstMember(source, slots);
      break;
    case SLOT:
      value = slots[source.slot];
      break;
    case MEMBER_OF_MEMBER:
      value = plainMember(firstMember(source, slots), source.second);
      break;
    case CONSTANT:
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
    if (source.kind !== SLOT) value = plainMember(value, source.first);
  } else value = source.kind === SLOT ? slots[source.slot] : firstMember(source, slots);
  if (source.kind === MEMBER_OF_MEMBER) value = plainMember(value, source.second);
  if (value === undefined && source.fail !== null) source.fail(slots);
  return source.question === AS_IS ? value : answer(source, value);
}

function answer({ question, operand }: Source, value: unknown): boolean {
  switch (question) {
    case IS_EQUAL:
      return equalsConstant(value, operand);
    case IS_DIFFERENT:
      return !equalsConstant(value, operand);
    case IS_FALSY:
      return !value;
    case IS_DEFINED:
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
  if (compiled.constant !== undefined) return new Source({ kind: CONSTANT, operand: compiled.constant.value });
  return new Source({ kind: CODE, code: compiled.code });
}

/** An expression that is read by data. */
export const compiledFrom = (source: Source): Compiled => ({ source, code: (slots) => read(source, slots) });

const CAN_ASK: ReadonlySet<Kind> = new Set([SLOT, MEMBER, MEMBER_OF_MEMBER]);

/** The same source with a question about its value; null where the source cannot carry one. */
export function asking(source: Source | undefined, question: Question, operand?: unknown): Compiled | null {
  if (source === undefined || source.question !== AS_IS || !CAN_ASK.has(source.kind)) return null;
  return compiledFrom(source.with({ question, operand }));
}

/**
 * A source as a function of its own, for whoever reads it between other work: there a function that does one thing is faster than
 * asking what to do, as long as its neighbours are of other kinds.
 */
export function codeOf(source: Source): Code {
  const { slot, second, fail } = source;
  switch (source.reading) {
    case CODE:
      return source.code;
    case SLOT:
      return (slots) => {
        const value = slots[slot];
        if (value === undefined && fail !== null) fail(slots);
        return value;
      };
    case MEMBER:
      return (slots) => {
        const value = firstMember(source, slots);
        if (value === undefined && fail !== null) fail(slots);
        return value;
      };
    case MEMBER_OF_MEMBER:
      return (slots) => {
        const value = plainMember(firstMember(source, slots), second);
        if (value === undefined && fail !== null) fail(slots);
        return value;
      };
    case CONSTANT: {
      const { operand } = source;
      return () => operand;
    }
    default:
      return (slots) => readSpecial(source, slots);
  }
}
