import type { Compiled } from "#render/compile/compiler.ts";
import type { Code } from "#render/compile/program.ts";
import type { Fail } from "#render/compile/undefined.ts";
import type { Slots } from "#render/run.ts";
import { comparable, looseEquals } from "#render/values/operators.ts";
import { plainMember } from "#render/values/plain-member.ts";

type Kind = "code" | "constant" | "slot" | "member" | "member of member" | "member of source";

/** What is asked of the value that was read. */
type Question = "as is" | "equal" | "different" | "one of" | "or else" | "falsy" | "defined" | "undefined";

/** An operator or a filter with what it works on: what computes a value where reading is not enough. */
export type Site = { value(slots: Slots): unknown };

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
  readonly site?: Site | null;
  readonly from?: Source | null;
};

/** How the data of a source are read, as numbers: to compare texts V8 looks at what they are first. */
const SLOT = 0;
const MEMBER = 1;
const MEMBER_OF_MEMBER = 2;
const CONSTANT = 3;
const MEMBER_OF_SOURCE = 4;
/** A variable or a member of which something is asked, or which starts at the template's root. */
const SPECIAL = 5;
const READINGS = {
  slot: SLOT,
  member: MEMBER,
  "member of member": MEMBER_OF_MEMBER,
  "member of source": MEMBER_OF_SOURCE,
  constant: CONSTANT,
  code: SPECIAL,
};

/**
 * Where a value comes from, as data. A template runs each of its parts once and then the next one, so what it costs is how much memory
 * it has to touch: one object here stands for three closures with their contexts. What reading looks at first comes first: fields that
 * stand together are in memory together.
 *
 * `declare`, here and in all that runs once for each value: a field that is not only declared is undefined first, and V8 then asks at
 * each use what it holds.
 */
export class Source {
  /** Computes the value; null where it is read by data. */
  declare readonly code: Code | null;
  /** What `code` computes it with, for those who can spare themselves the call. */
  declare readonly site: Site | null;
  declare readonly reading: number;
  declare readonly slot: number;
  declare readonly first: string | number;
  /** Where the first member is kept once it was read (kept-members.ts), and where the second; 0: nowhere. */
  declare known: number;
  declare knownSecond: number;
  /** Refuses an undefined value; null where it may be asked for. */
  declare readonly fail: Fail | null;
  declare readonly second: string | number;
  /** Whose member it is, where a path is longer than two, or starts at something else than a variable. */
  declare readonly from: Source | null;
  /** A constant's value, or what a question holds the value against. */
  declare readonly operand: unknown;
  declare readonly question: Question;
  /** The slot is one of the template's root, and a macro reads it. */
  declare readonly isInRoot: boolean;
  declare readonly kind: Kind;
  /** Those that read in place of this one: they keep the member where this one does. */
  declare heirs: Source[] | null;

  constructor(parts: SourceParts) {
    const { kind, question = "as is", isInRoot = false } = parts;
    this.site = parts.site ?? null;
    this.code = parts.code ?? null;
    this.reading = isInRoot || question !== "as is" ? SPECIAL : READINGS[kind];
    this.slot = parts.slot ?? 0;
    this.first = parts.first ?? "";
    this.known = 0;
    this.fail = parts.fail ?? null;
    this.second = parts.second ?? "";
    this.knownSecond = 0;
    this.from = parts.from ?? null;
    this.operand = parts.operand;
    this.question = question;
    this.isInRoot = isInRoot;
    this.kind = kind;
    this.heirs = null;
  }

  /** The same data, but for these. */
  with(parts: Partial<SourceParts>): Source {
    const { kind, question, slot, isInRoot, first, second, from, operand, fail } = this;
    const copy = new Source({ kind, question, slot, isInRoot, first, second, from, operand, fail, ...parts });
    copy.known = this.known;
    copy.knownSecond = this.knownSecond;
    (this.heirs ??= []).push(copy);
    return copy;
  }

  /** Keeps the member, the last one of the path, in these two slots. */
  keepIn(pair: number): void {
    keepWithHeirs(this, this.kind === "member of member" ? "knownSecond" : "known", pair);
  }

  /**
   * Small, so that it becomes part of whatever reads. And a method, as all that closures call here: V8 puts a method with all that it uses
   * in place of its call, but a function of another module is looked up in each call of a closure, through five objects.
   */
  read(slots: Slots): unknown {
    const { code } = this;
    return code === null ? readData(this, slots) : code(slots);
  }
}

function keepWithHeirs(source: Source, field: "known" | "knownSecond", pair: number): void {
  source[field] = pair;
  for (const heir of source.heirs ?? []) keepWithHeirs(heir, field, pair);
}

/** The member `first` of what a source starts at. */
function firstOf({ first, known }: Source, slots: Slots, target: unknown): unknown {
  if (known === 0) return plainMember(target, first);
  if (slots[known] === target) return slots[known + 1];
  const value = plainMember(target, first);
  slots[known] = target;
  slots[known + 1] = value;
  return value;
}

const firstMember = (source: Source, slots: Slots): unknown => firstOf(source, slots, slots[source.slot]);

function secondMember(source: Source, slots: Slots): unknown {
  const { second, knownSecond } = source;
  const target = firstMember(source, slots);
  if (knownSecond === 0) return plainMember(target, second);
  if (slots[knownSecond] === target) return slots[knownSecond + 1];
  const value = plainMember(target, second);
  slots[knownSecond] = target;
  slots[knownSecond + 1] = value;
  return value;
}

const memberOfSource = (source: Source, slots: Slots): unknown =>
  firstOf(source, slots, (source.from as Source).read(slots));

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
      value = secondMember(source, slots);
      break;
    case MEMBER_OF_SOURCE:
      value = memberOfSource(source, slots);
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
  const value = source.isInRoot ? readRoot(source, slots) : readUnasked(source, slots);
  if (value === undefined && source.fail !== null) source.fail(slots);
  return source.question === "as is" ? value : answer(source, value);
}

function readRoot({ kind, slot, first, second }: Source, slots: Slots): unknown {
  const value = (slots[0].root ?? slots)[slot];
  if (kind === "slot") return value;
  const member = plainMember(value, first);
  return kind === "member" ? member : plainMember(member, second);
}

function readUnasked(source: Source, slots: Slots): unknown {
  if (source.kind === "slot") return slots[source.slot];
  if (source.kind === "member") return firstMember(source, slots);
  return source.kind === "member of member" ? secondMember(source, slots) : memberOfSource(source, slots);
}

function answer({ question, operand }: Source, value: unknown): unknown {
  switch (question) {
    case "equal":
      return equalsConstant(value, operand);
    case "different":
      return !equalsConstant(value, operand);
    case "one of":
      return isOneOf(operand as readonly unknown[], comparable(value));
    case "or else":
      return value === undefined ? operand : value;
    case "falsy":
      return !value;
    case "defined":
      return value !== undefined;
    default:
      return value === undefined;
  }
}

/** Lists in templates are short: asking each item is faster than calling `indexOf`. */
export function isOneOf(items: readonly unknown[], wanted: unknown): boolean {
  for (let i = 0; i < items.length; i++) if (items[i] === wanted) return true;
  return false;
}

/** Equality with a literal, the most frequent comparison: values of the literal's own type need no rules. */
export const equalsConstant = (value: unknown, wanted: unknown): boolean =>
  value === wanted || (typeof value !== typeof wanted && looseEquals(value, wanted));

/** The values of a call's arguments, in their order. Most are few, and a list that is written out needs no room to grow. */
export function valuesOf(sources: readonly Source[], slots: Slots): unknown[] {
  const [first, second, third] = sources;
  if (first === undefined) return [];
  if (second === undefined) return [first.read(slots)];
  if (third === undefined) return [first.read(slots), second.read(slots)];
  const values = [first.read(slots), second.read(slots), third.read(slots)];
  for (const source of sources.slice(3)) values.push(source.read(slots));
  return values;
}

/** The source of any compiled expression. */
export function sourceOf(compiled: Compiled): Source {
  if (compiled.source !== undefined) return compiled.source;
  if (compiled.constant !== undefined) return new Source({ kind: "constant", operand: compiled.constant.value });
  return new Source({ kind: "code", code: compiled.code });
}

/** An expression that is read by data. */
export const compiledFrom = (source: Source): Compiled => ({ source, code: (slots) => source.read(slots) });

const CAN_ASK: ReadonlySet<Kind> = new Set(["slot", "member", "member of member", "member of source"]);

/** The same source with a question about its value; null where the source cannot carry one. */
export function asking(source: Source | undefined, question: Question, operand?: unknown): Compiled | null {
  if (source === undefined || source.question !== "as is" || !CAN_ASK.has(source.kind)) return null;
  return compiledFrom(source.with({ question, operand }));
}

/** An expression that is computed at a site. */
export function compiledAt(site: Site): Compiled {
  const code: Code = (slots) => site.value(slots);
  return { code, source: new Source({ kind: "code", code, site }) };
}
