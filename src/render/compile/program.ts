import {
  type Activation,
  type BlockCode,
  Instance,
  lookupThrough,
  type Names,
  newSlots,
  type Run,
  type Slots,
  type View,
} from "#render/run.ts";

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
  readonly exports: readonly (readonly [name: string, slot: number])[];
  readonly isTraced: boolean;
  /** Running the root twice gives the same values: nothing is called in it. */
  readonly isConstant: boolean;
};

/** A compiled template in one variant. It holds no tenant data: renders bring their own slots. */
export class Program {
  readonly name: string;
  readonly blocks: readonly BlockCode[];
  readonly exports: ProgramParts["exports"];
  readonly isConstant: boolean;
  readonly #parts: ProgramParts;

  constructor(parts: ProgramParts) {
    this.name = parts.name;
    this.blocks = parts.blocks;
    this.exports = parts.exports;
    this.isConstant = parts.isConstant;
    this.#parts = parts;
  }

  /** Runs the root; where it extends another template, that one runs on with this one's variables in view. */
  render(run: Run, instance: Instance, view: View | null): string {
    const { slots, text } = this.evaluate(run, instance, view);
    const { parent } = slots[0];
    return parent === null ? text : parent.render(run, instance, { names: this.#parts.names, slots, parent: view });
  }

  evaluate(run: Run, instance: Instance, view: View | null): { slots: Slots; text: string } {
    const { slotCount, context, body, isTraced } = this.#parts;
    const sources = isTraced ? new Array<unknown>(slotCount) : null;
    const activation: Activation = { run, instance, view, root: null, parent: null, block: null, sources };
    const slots = newSlots(activation, slotCount);
    for (const [name, slot] of context) slots[slot] = lookupThrough(view, instance, name);
    return { slots, text: body(slots) };
  }
}
