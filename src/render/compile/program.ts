import type { Body } from "#render/compile/step.ts";
import type { TemplatePlace } from "#render/fault.ts";
import {
  type Activation,
  type BlockCode,
  blankSlots,
  type ContextName,
  copySlots,
  loadNames,
  newOrigins,
} from "#render/run.ts";
import type { Instance, Names, Run, Slots, View } from "#render/run.ts";
import { payWith } from "#render/values/meter.ts";

/** Compiled code: an expression yields a value, a body the text of its statements. */
export type Code = (slots: Slots) => unknown;
export type TextCode = (slots: Slots) => string;

export type ProgramParts = {
  readonly name: string;
  readonly slotCount: number;
  /** The names that are looked for around the template, and those that it sets before anything reads them. */
  readonly context: readonly ContextName[];
  readonly assignedFirst: ReadonlySet<string>;
  readonly body: Body;
  readonly blocks: readonly BlockCode[];
  readonly names: Names;
  readonly exports: readonly { readonly name: string; readonly slot: number; readonly isAlways: boolean }[];
  /** Running the root twice gives the same values: nothing is called in it. */
  readonly isConstant: boolean;
  /** What the root costs. */
  readonly steps: number;
  /** It names no other templates and has no blocks. */
  readonly isAlone: boolean;
};

/** A compiled template in one variant. It holds no tenant data: renders bring their own slots. */
export class Program {
  readonly name: string;
  /** Its own blocks by name; lists, because templates that extend each other have several of one name. */
  readonly blocks: ReadonlyMap<string, readonly BlockCode[]>;
  readonly exports: ProgramParts["exports"];
  readonly isConstant: boolean;
  readonly isAlone: boolean;
  readonly context: ProgramParts["context"];
  readonly assignedFirst: ProgramParts["assignedFirst"];
  readonly #body: Body;
  readonly #names: Names;
  readonly #blank: readonly unknown[];
  readonly #steps: number;
  readonly #place: TemplatePlace;

  constructor(parts: ProgramParts) {
    this.name = parts.name;
    this.blocks = new Map(parts.blocks.map((block) => [block.name, [block]]));
    this.exports = parts.exports;
    this.isConstant = parts.isConstant;
    this.isAlone = parts.isAlone;
    this.context = parts.context;
    this.assignedFirst = parts.assignedFirst;
    this.#body = parts.body;
    this.#names = parts.names;
    this.#blank = blankSlots(parts.slotCount);
    this.#steps = parts.steps;
    this.#place = { template: parts.name, line: 1, column: 1 };
  }

  /** Runs the root; `view` is what is around it: nothing where the render begins. */
  render(run: Run, instance: Instance, view: View | null): string {
    if (view !== null) return this.#render(run, instance, view);
    const before = payWith(run);
    try {
      return this.#render(run, instance, null);
    } finally {
      payWith(before);
    }
  }

  /** Where it extends another template, that one runs on with this one's variables in view. */
  #render(run: Run, instance: Instance, view: View | null): string {
    const { tracer } = run;
    const mark = tracer === null ? null : { offset: tracer.offset, spans: tracer.spans.length };
    const slots = this.#open(run, instance, view);
    const text = this.#body.run(slots);
    const { parent } = slots[0];
    if (parent === null) return text;
    if (tracer !== null && mark !== null) {
      tracer.offset = mark.offset;
      tracer.spans.truncate(mark.spans);
    }
    return parent.render(run, instance, { names: this.#names, slots, parent: view });
  }

  /** Runs the root for the variables that it leaves. */
  evaluate(run: Run, instance: Instance, view: View | null): Slots {
    const slots = this.#open(run, instance, view);
    this.#body.run(slots);
    return slots;
  }

  #open(run: Run, instance: Instance, view: View | null): Slots {
    run.charge(this.#steps, this.#place);
    const origins = newOrigins(run, this.#blank);
    const activation: Activation = {
      run,
      instance,
      view,
      root: null,
      parent: null,
      block: null,
      origins,
      ofMacros: null,
    };
    const slots = copySlots(this.#blank, activation);
    loadNames(slots, this.context);
    return slots;
  }
}
