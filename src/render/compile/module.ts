import type { Program } from "#render/compile/program.ts";
import type { Slots } from "#render/run.ts";
import type { Origins } from "#render/trace/origin.ts";

export type Exports = Record<string, unknown>;

/** What a template defined when it was imported. */
export class Module {
  readonly program: Program;
  readonly slots: Slots;
  #exports: Exports | null = null;

  constructor(program: Program, slots: Slots) {
    this.program = program;
    this.slots = slots;
  }

  /** By name: the value of `import ... as`. */
  get exports(): Exports {
    return (this.#exports ??= this.#collect());
  }

  #collect(): Exports {
    const { slots } = this;
    const [{ origins: from, run }] = slots;
    const exports: Exports = {};
    const origins: Record<string, Origins | undefined> = {};
    for (const { name, slot, isAlways } of this.program.exports) {
      if (slots[slot] === undefined && !isAlways) continue;
      exports[name] = slots[slot];
      if (from !== null) origins[name] = from[slot];
    }
    run.tracer?.rememberExports(exports, origins);
    return exports;
  }
}
