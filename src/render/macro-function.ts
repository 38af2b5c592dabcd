import type { Code } from "#render/compile/program.ts";
import type { Body } from "#render/compile/step.ts";
import type { TemplatePlace } from "#render/fault.ts";
import { type Activation, copySlots, type Run, type Slots } from "#render/run.ts";
import type { Origins } from "#render/trace/origin.ts";
import type { Keywords } from "#render/values/keywords.ts";
import { LONG_TEXT_CHARS } from "#render/values/meter.ts";

/** A function of the engine or the product that templates call: `range(...)`, `secret(...)`. */
export class HostFunction {
  readonly #call: HostCall;
  readonly #prepare: Prepare | null;

  constructor(call: HostCall, prepare: Prepare | null = null) {
    this.#call = call;
    this.#prepare = prepare;
  }

  get call(): HostCall {
    return this.#call;
  }

  /** For call sites that give all arguments but the first as literals: what is left to do for each call, once those were looked at. */
  get prepare(): Prepare | null {
    return this.#prepare;
  }
}
type HostCall = (context: CallContext, args: readonly unknown[]) => unknown;
type Prepare = (site: CallContext, rest: readonly unknown[]) => PreparedCall;
export type PreparedCall = (context: CallContext, first: unknown) => unknown;
export type CallContext = { readonly run: Run; readonly place: TemplatePlace };

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
  /** Of one call. */
  readonly steps: number;
};
export type Parameter = { readonly name: string; readonly slot: number; readonly defaultCode: Code | null };

type Default = { readonly slot: number; readonly code: Code };

/** Where a macro wants the arguments of one call site. Worked out once for each pair, because both are code. */
export class Binding {
  readonly code: MacroCode;
  /** The slot of each named argument; 0 where the macro has no use for it. */
  readonly namedSlots: readonly number[];
  /** Parameters that the call leaves to their defaults. */
  readonly defaults: readonly Default[];

  /** `count` arguments are given by position, the others by these names. */
  constructor(code: MacroCode, count: number, names: readonly string[]) {
    const { parameters, callerSlot } = code;
    const given = new Set<number>();
    this.code = code;
    this.namedSlots = names.map((name) => {
      const index = parameters.findIndex((parameter) => parameter.name === name);
      if (index < count) return name === "caller" ? callerSlot : 0;
      given.add(index);
      return index + 1;
    });
    this.defaults = parameters.flatMap(({ slot, defaultCode }, index) =>
      index < count || given.has(index) || defaultCode === null ? [] : [{ slot, code: defaultCode }],
    );
  }
}

const NO_DEFAULTS: readonly Default[] = [];

function activationOfMacros(root: Slots): Activation {
  const { run, instance, view, ofMacros } = root[0];
  if (ofMacros !== null) return ofMacros;
  const activation = { run, instance, view, root, parent: null, block: null, origins: null, ofMacros: null };
  root[0].ofMacros = activation;
  return activation;
}

export class MacroFunction {
  readonly #code: MacroCode;
  readonly #parameterCount: number;
  /** Of all calls of all macros of a template, unless they are traced. */
  readonly #activation: Activation;

  constructor(code: MacroCode, root: Slots) {
    this.#code = code;
    this.#parameterCount = code.parameters.length;
    this.#activation = activationOfMacros(root);
  }

  get code(): MacroCode {
    return this.#code;
  }

  get parameterCount(): number {
    return this.#parameterCount;
  }

  /** Call sites write arguments into slots 1, 2, ... of these and then `run`. */
  open(): Slots {
    return copySlots(this.#code.blank, this.#activation);
  }

  /** As `open`, for traced runs: the call site also writes where the arguments come from, and then calls `finish`. */
  openTraced(): { slots: Slots; origins: (Origins | undefined)[] } {
    const slots = this.open();
    const origins = this.#code.blank.slice() as (Origins | undefined)[];
    slots[0] = { ...slots[0], origins };
    return { slots, origins };
  }

  /** `count` arguments were written by position; the rest come from keywords or defaults. */
  finish(slots: Slots, count: number, keywords: Keywords | null): string {
    const { parameters, callerSlot } = this.#code;
    this.#enter(slots[0].run);
    if (count < parameters.length) bindRest(parameters, slots, { from: count, keywords });
    if (keywords?.has("caller")) slots[callerSlot] = keywords.get("caller");
    return this.#leave(slots);
  }

  /** All arguments were written. Defaults may use the parameters before them. */
  run(slots: Slots, defaults: readonly Default[] = NO_DEFAULTS): string {
    this.#enter(slots[0].run);
    for (let i = 0; i < defaults.length; i++) {
      const { slot, code } = defaults[i] as Default;
      slots[slot] = code(slots);
    }
    return this.#leave(slots);
  }

  #enter(run: Run): void {
    run.steps += this.#code.steps;
    if (run.steps > run.stepsMax) run.charge(0, this.#code.place);
    if (++run.depth > run.limits.depth) run.refuseDepth("macros", this.#code.place);
  }

  #leave(slots: Slots): string {
    const { run } = slots[0];
    const text = this.#code.body.run(slots);
    run.depth--;
    if (text.length >= LONG_TEXT_CHARS) run.checkText(text, "a macro");
    return text;
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
      const outer = tracer.startReading();
      slots[slot] = defaultCode(slots);
      origins[slot] = tracer.stopReading(outer);
    } else if (defaultCode !== null) slots[slot] = defaultCode(slots);
  }
}

export type CallerCode = {
  readonly parameters: readonly Parameter[];
  readonly innerSlots: readonly number[];
  readonly body: Body;
  readonly place: TemplatePlace;
  readonly steps: number;
};

/** The body of a `{% call %}`: it runs in the slots of the place where it is written, whose inner variables are put back after. */
export class CallerFunction {
  readonly #code: CallerCode;
  readonly #slots: Slots;

  constructor(code: CallerCode, slots: Slots) {
    this.#code = code;
    this.#slots = slots;
  }

  /** Traced calls say where the arguments come from. */
  invoke(args: readonly unknown[], keywords: Keywords | null, given?: readonly Origins[]): string {
    const { parameters, innerSlots } = this.#code;
    const slots = this.#slots;
    if (innerSlots.length === 0) return this.#run();
    const { origins } = slots[0];
    const saved = innerSlots.map((slot) => ({ slot, value: slots[slot], origins: origins?.[slot] }));
    for (const slot of innerSlots) slots[slot] = undefined;
    for (let i = 0; i < args.length && i < parameters.length; i++) {
      const slot = parameters[i]?.slot ?? 0;
      slots[slot] = args[i];
      if (origins !== null) origins[slot] = given?.[i];
    }
    if (args.length < parameters.length) bindRest(parameters, slots, { from: args.length, keywords });
    const text = this.#run();
    for (const before of saved) {
      slots[before.slot] = before.value;
      if (origins !== null) origins[before.slot] = before.origins;
    }
    return text;
  }

  #run(): string {
    const { body, place, steps } = this.#code;
    const { run } = this.#slots[0];
    run.charge(steps, place);
    run.enter("call bodies", place);
    const text = body.run(this.#slots);
    run.depth--;
    return text;
  }
}

/** A macro or the body of a `{% call %}`: called with arguments, it yields text. */
export type TextFunction = MacroFunction | CallerFunction;

export const isTextFunction = (value: unknown): value is TextFunction =>
  value instanceof MacroFunction || value instanceof CallerFunction;
