import type { Code, TextCode } from "#render/compile/program.ts";
import type { TemplatePlace } from "#render/fault.ts";
import { newSlots, type Run, type Slots } from "#render/run.ts";
import { Keywords } from "#render/values/keywords.ts";

/** A function of the engine or the product that templates call: `range(...)`, `secret(...)`. */
export class HostFunction {
  readonly call: (context: CallContext, args: readonly unknown[]) => unknown;

  constructor(call: (context: CallContext, args: readonly unknown[]) => unknown) {
    this.call = call;
  }
}
export type CallContext = { readonly run: Run; readonly place: TemplatePlace };

/** A macro or the body of a `{% call %}`: called with arguments, it yields text. */
export abstract class TextFunction {
  abstract invoke(args: readonly unknown[], keywords: Keywords | null): string;
}

/** What the compiler knows of a macro; positional parameters come first, then those with defaults. */
export type MacroCode = {
  readonly slotCount: number;
  readonly parameters: readonly Parameter[];
  /** Loads the context's names into the slots of the macro; null where it reads them from its template's root. */
  readonly callerSlot: number;
  readonly body: TextCode;
  readonly place: TemplatePlace;
  readonly isTraced: boolean;
};
export type Parameter = { readonly name: string; readonly slot: number; readonly defaultCode: Code | null };

export class MacroFunction extends TextFunction {
  readonly #code: MacroCode;
  readonly #root: Slots;

  constructor(code: MacroCode, root: Slots) {
    super();
    this.#code = code;
    this.#root = root;
  }

  /** Call sites write arguments into these slots directly and then `finish`. */
  open(): Slots {
    const { run, instance, view } = this.#root[0];
    const sources = this.#code.isTraced ? new Array<unknown>(this.#code.slotCount) : null;
    return newSlots(
      { run, instance, view, root: this.#root, parent: null, block: null, sources },
      this.#code.slotCount,
    );
  }

  slotOf(index: number): number | null {
    return this.#code.parameters[index]?.slot ?? null;
  }

  /** `count` arguments were written by position; the rest come from keywords or defaults. */
  finish(slots: Slots, count: number, keywords: Keywords | null): string {
    const { parameters, body, place, callerSlot } = this.#code;
    const { run } = slots[0];
    run.charge(1, place);
    run.enter("macros", place);
    for (let i = count; i < parameters.length; i++) {
      const parameter = parameters[i];
      if (parameter === undefined) continue;
      if (keywords?.has(parameter.name)) slots[parameter.slot] = keywords.get(parameter.name);
      else if (parameter.defaultCode !== null) slots[parameter.slot] = parameter.defaultCode(slots);
    }
    if (keywords?.has("caller")) slots[callerSlot] = keywords.get("caller");
    const text = body(slots);
    run.depth--;
    run.checkString(text.length, "a macro");
    return text;
  }

  invoke(args: readonly unknown[], keywords: Keywords | null): string {
    const slots = this.open();
    for (let i = 0; i < args.length; i++) {
      const slot = this.slotOf(i);
      if (slot !== null) slots[slot] = args[i];
    }
    return this.finish(slots, args.length, keywords);
  }
}

/** The body of a `{% call %}`: it runs in the slots of the place where it is written, whose inner variables are put back after. */
export class CallerFunction extends TextFunction {
  readonly #code: CallerCode;
  readonly #slots: Slots;

  constructor(code: CallerCode, slots: Slots) {
    super();
    this.#code = code;
    this.#slots = slots;
  }

  invoke(args: readonly unknown[], keywords: Keywords | null): string {
    const { parameters, innerSlots, body, place } = this.#code;
    const slots = this.#slots;
    const { run } = slots[0];
    const saved = innerSlots.map((slot) => slots[slot]);
    for (const slot of innerSlots) slots[slot] = undefined;
    parameters.forEach((parameter, index) => {
      if (index < args.length) slots[parameter.slot] = args[index];
      else if (keywords?.has(parameter.name)) slots[parameter.slot] = keywords.get(parameter.name);
      else if (parameter.defaultCode !== null) slots[parameter.slot] = parameter.defaultCode(slots);
    });
    run.charge(1, place);
    run.enter("call bodies", place);
    const text = body(slots);
    run.depth--;
    innerSlots.forEach((slot, index) => {
      slots[slot] = saved[index];
    });
    return text;
  }
}
export type CallerCode = {
  readonly parameters: readonly Parameter[];
  readonly innerSlots: readonly number[];
  readonly body: TextCode;
  readonly place: TemplatePlace;
};
