import { type Activation, type BlockCode, blankSlots, copySlots, loadNames, newOrigins } from "#render/run.ts";
import type { Instance, Names, Run, Slots, View } from "#render/run.ts";

/** Compiled code: an expression yields a value, a body the text of its statements. */
export type Code = (slots: Slots) => unknown;
export type TextCode = (slots: Slots) => string;

export type ProgramParts = {
  readonly name: string;
  readonly slotCount: number;
  /** Context names and the slots that they are loaded into at the start. */
  readonly context: readonly (readonly [name: string, slot: number])[];
  readonly body: TextCode;
  readonly blocks: readonly BlockCode[];
  readonly names: Names;
  readonly exports: readonly { readonly name: string; readonly slot: number; readonly isAlways: boolean }[];
  /** Running the root twice gives the same values: nothing is called in it. */
  readonly isConstant: boolean;
  /** It names no other templates and has no blocks. */
  readonly isAlone: boolean;
};

/** A compiled template in one variant. It holds no tenant data: renders bring their own slots. */
export class Program {
  readonly name: string;
  readonly blocks: readonly BlockCode[];
  readonly exports: ProgramParts["exports"];
  readonly isConstant: boolean;
  readonly isAlone: boolean;
  readonly context: ProgramParts["context"];
  readonly #parts: ProgramParts;
  readonly #blank: readonly unknown[];

  constructor(parts: ProgramParts) {
    this.name = parts.name;
    this.blocks = parts.blocks;
    this.exports = parts.exports;
    this.isConstant = parts.isConstant;
    this.isAlone = parts.isAlone;
    this.context = parts.context;
    this.#parts = parts;
    this.#blank = blankSlots(parts.slotCount);
  }

  /** Runs the root; where it extends another template, that one runs on with this one's variables in view. */
  render(run: Run, instance: Instance, view: View | null): string {
    const { tracer } = run;
    const mark = tracer === null ? null : { offset: tracer.offset, spans: tracer.spans.length };
    const { slots, text } = this.evaluate(run, instance, view);
    const { parent } = slots[0];
    if (parent === null) return text;
    if (tracer !== null && mark !== null) {
      tracer.offset = mark.offset;
      tracer.spans.length = mark.spans;
    }
    return parent.render(run, instance, { names: this.#parts.names, slots, parent: view });
  }

  evaluate(run: Run, instance: Instance, view: View | null): { slots: Slots; text: string } {
    const { context, body } = this.#parts;
    const origins = newOrigins(run);
    const activation: Activation = { run, instance, view, root: null, parent: null, block: null, origins };
    const slots = copySlots(this.#blank, activation);
    loadNames(slots, context);
    return { slots, text: body(slots) };
  }
}
