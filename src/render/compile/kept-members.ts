import type { Source } from "#render/compile/source.ts";

/** A variable or a member of one, however deep: `svc`, `svc.network`, `svc.network.name`. One object for each in a unit. */
export class MemberPath {
  #members: Map<string | number, MemberPath> | null = null;
  /** The first that reads it, and the slots where it is kept; 0 while there is one reader only. */
  reader: Source | null = null;
  pair = 0;
  /** In which of the rows of `KeptMembers` it was surely read. */
  sureIn = 0;

  member(key: string | number): MemberPath {
    this.#members ??= new Map();
    let path = this.#members.get(key);
    if (path === undefined) {
      path = new MemberPath();
      this.#members.set(key, path);
    }
    return path;
  }
}

/**
 * The members that a unit reads more than once are kept in two slots each: in the first stands whose member was read last, in the other
 * the member. Data never change while a template runs, so who finds its own value in the first slot need not look the member up.
 *
 * Where the member was surely read before, with the variable not set since, not even that is asked. That holds within one row of printed
 * values: a statement, a body or a call ends it.
 */
export class KeptMembers {
  readonly #paths: MemberPath[] = [];
  readonly #newSlot: () => number;
  #row = 1;
  #maybe = 0;

  constructor(newSlot: () => number) {
    this.#newSlot = newSlot;
  }

  /** The path of the variable in a slot. */
  ofSlot(slot: number): MemberPath {
    return (this.#paths[slot] ??= new MemberPath());
  }

  /** A source reads the member. */
  noteReader(path: MemberPath, reader: Source): void {
    if (path.reader === null) path.reader = reader;
    else reader.keepIn(this.#pairOf(path, path.reader));
    if (this.#maybe === 0) path.sureIn = this.#row;
  }

  /** The slot that has the member when what is compiled now runs; null where that is not sure. */
  sureSlot(path: MemberPath): number | null {
    return path.sureIn === this.#row && path.reader !== null ? this.#pairOf(path, path.reader) + 1 : null;
  }

  #pairOf(path: MemberPath, reader: Source): number {
    if (path.pair === 0) {
      path.pair = this.#newSlot();
      this.#newSlot();
      reader.keepIn(path.pair);
    }
    return path.pair;
  }

  /** Compiles what runs in some cases only: what it reads is not sure to be read. */
  maybe<T>(compile: () => T): T {
    this.#maybe++;
    const result = compile();
    this.#maybe--;
    return result;
  }

  /** Compiles what runs on its own, from its start to its end, if it runs: a body. */
  apart<T>(compile: () => T): T {
    const maybe = this.#maybe;
    this.#maybe = 0;
    this.forget();
    const result = compile();
    this.forget();
    this.#maybe = maybe;
    return result;
  }

  /** From here on variables may have other values. */
  forget(): void {
    this.#row++;
  }
}
