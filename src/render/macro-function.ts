import type { Code } from "#render/compile/program.ts";
import { type Body, runBody } from "#render/compile/step.ts";
import type { TemplatePlace } from "#render/fault.ts";
import { type Activation, copySlots, type Run, type Slots } from "#render/run.ts";
import type { Origins } from "#render/trace/origin.ts";
import type { Keywords } from "#render/values/keywords.ts";

/** A function of the engine or the product that templates call: `range(...)`, `secret(...)`. */
export class HostFunction {
  readonly call: (context: CallContext, args: readonly unknown[]) => unknown;

  constructor(call: (context: CallContext, args: readonly unknown[]) => unknown) {
    this.call = call;
  }
}
export type CallContext = { readonly run: Run; readonly place: TemplatePlace };

/** A macro or the body of a `{% call %}`: called with arguments, it yields text. Traced calls say where arguments come from. */
export abstract class TextFunction {
  abstract invoke(args: readonly unknown[], keywords: Keywords | null, origins?: readonly Origins[]): string;
}

/**
 * What the compiler knows of a macro. Parameters have its first slots, in this order: positional ones, then those with defaults.
 */
export type MacroCode = {
  /** Slots without values. */
  readonly blank: readonly unknown[];
  readonly parameters: readonly Parameter[];
  readonly callerSlot: number;
  readonly body: Body;
  readonly place: TemplatePlace;
};
export type Parameter = { readonly name: string; readonly slot: number; readonly defaultCode: Code | null };

/** An argument that a call gives by name. */
export type NamedArgument = { readonly name: string; readonly value: unknown };

export class MacroFunction extends TextFunction {
  readonly parameterCount: number;
  readonly #parameters: readonly Parameter[];
  readonly #callerSlot: number;
  readonly #body: Body;
  readonly #place: TemplatePlace;
  /** Fresh slots, copied for each call; the activation is shared unless the call is traced. */
  readonly #blank: readonly unknown[];
  readonly #noOrigins: readonly unknown[];

  constructor(code: MacroCode, root: Slots) {
    super();
    this.parameterCount = code.parameters.length;
    this.#parameters = code.parameters;
    this.#callerSlot = code.callerSlot;
    this.#body = code.body;
    this.#place = code.place;
    const { run, instance, view } = root[0];
    const activation: Activation = { run, instance, view, root, parent: null, block: null, origins: null };
    this.#blank = copySlots(code.blank, activation);
    this.#noOrigins = code.blank;
  }

  /** Call sites write arguments into slots 1, 2, ... of these and then `finish`. */
  open(): Slots {
    return this.#blank.slice() as Slots;
  }

  /** As `open`, for traced runs: the call site also writes where the arguments come from. */
  openTraced(): { slots: Slots; origins: (Origins | undefined)[] } {
    const slots = this.open();
    const { run, instance, view, root, parent, block } = slots[0];
    const origins = this.#noOrigins.slice() as (Origins | undefined)[];
    slots[0] = { run, instance, view, root, parent, block, origins };
    return { slots, origins };
  }

  /** `count` arguments were written by position; the rest come from keywords or defaults. */
  finish(slots: Slots, count: number, keywords: Keywords | null): string {
    this.#enter(slots[0].run);
    if (count < this.parameterCount) bindRest(this.#parameters, slots, { from: count, keywords });
    if (keywords?.has("caller")) slots[this.#callerSlot] = keywords.get("caller");
    return this.#run(slots);
  }

  /** As `finish`, with arguments that a call site names; `count` is how many it gave by position. */
  finishNamed(slots: Slots, count: number, named: readonly NamedArgument[]): string {
    this.#enter(slots[0].run);
    const parameters = this.#parameters;
    const given: boolean[] = [];
    for (const { name, value } of named) {
      const index = parameters.findIndex((parameter) => parameter.name === name);
      if (index >= count) {
        slots[index + 1] = value;
        given[index] = true;
      } else if (name === "caller") slots[this.#callerSlot] = value;
    }
    for (let i = count; i < parameters.length; i++) {
      const defaultCode = parameters[i]?.defaultCode;
      if (given[i] !== true && defaultCode) slots[i + 1] = defaultCode(slots);
    }
    return this.#run(slots);
  }

  #enter(run: Run): void {
    if (++run.steps > run.stepsMax) run.charge(0, this.#place);
    if (++run.depth > run.limits.depth) run.refuseDepth("macros", this.#place);
  }

  #run(slots: Slots): string {
    const { run } = slots[0];
    const text = runBody(this.#body, slots);
    run.depth--;
    if (text.length > run.limits.stringChars) run.checkString(text.length, "a macro");
    return text;
  }

  invoke(args: readonly unknown[], keywords: Keywords | null): string {
    const slots = this.open();
    for (let i = 0; i < args.length && i < this.parameterCount; i++) slots[i + 1] = args[i];
    return this.finish(slots, args.length, keywords);
  }
}

type Rest = { readonly from: number; readonly keywords: Keywords | null };

/** Parameters that were not given by position: by keyword, else their default, which may use the ones before. */
function bindRest(parameters: readonly Parameter[], slots: Slots, { from, keywords }: Rest): void {
  const { origins, run } = slots[0];
  const { tracer } = run;
  for (let i = from; i < parameters.length; i++) {
    const parameter = parameters[i];
    if (parameter === undefined) continue;
    const { name, slot, defaultCode } = parameter;
    if (keywords?.has(name)) {
      slots[slot] = keywords.get(name);
      if (origins !== null) origins[slot] = keywords.originsOf(name);
    } else if (defaultCode !== null && tracer !== null && origins !== null) {
      const read = tracer.reading(() => defaultCode(slots));
      slots[slot] = read.value;
      origins[slot] = read.origins;
    } else if (defaultCode !== null) slots[slot] = defaultCode(slots);
  }
}

export type CallerCode = {
  readonly parameters: readonly Parameter[];
  readonly innerSlots: readonly number[];
  readonly body: Body;
  readonly place: TemplatePlace;
};

/** The body of a `{% call %}`: it runs in the slots of the place where it is written, whose inner variables are put back after. */
export class CallerFunction extends TextFunction {
  readonly #code: CallerCode;
  readonly #slots: Slots;

  constructor(code: CallerCode, slots: Slots) {
    super();
    this.#code = code;
    this.#slots = slots;
  }

  invoke(args: readonly unknown[], keywords: Keywords | null, given?: readonly Origins[]): string {
    const { parameters, innerSlots, body, place } = this.#code;
    const slots = this.#slots;
    const { run, origins } = slots[0];
    const saved = innerSlots.map((slot) => ({ slot, value: slots[slot], origins: origins?.[slot] }));
    for (const slot of innerSlots) slots[slot] = undefined;
    for (let i = 0; i < args.length && i < parameters.length; i++) {
      const slot = parameters[i]?.slot ?? 0;
      slots[slot] = args[i];
      if (origins !== null) origins[slot] = given?.[i];
    }
    if (args.length < parameters.length) bindRest(parameters, slots, { from: args.length, keywords });
    run.charge(1, place);
    run.enter("call bodies", place);
    const text = runBody(body, slots);
    run.depth--;
    for (const before of saved) {
      slots[before.slot] = before.value;
      if (origins !== null) origins[before.slot] = before.origins;
    }
    return text;
  }
}
