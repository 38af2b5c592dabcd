import { LIMITS } from "#core/limits.ts";
import { type TemplatePlace, TemplateFault } from "#render/fault.ts";
import type { Program } from "#render/compile/program.ts";
import type { Origins } from "#render/trace/origin.ts";
import type { Tracer } from "#render/trace/tracer.ts";

/** Bounds of one render; the product's values are in `LIMITS`, tests lower them. */
export type RenderLimits = {
  steps: number;
  depth: number;
  rangeItems: number;
  stringChars: number;
  fileChars: number;
  totalChars: number;
  files: number;
};

export const DEFAULT_LIMITS: Readonly<RenderLimits> = {
  steps: LIMITS.engine_steps_max.value,
  depth: LIMITS.engine_depth_max.value,
  rangeItems: LIMITS.engine_range_items_max.value,
  stringChars: LIMITS.engine_string_chars_max.value,
  fileChars: LIMITS.output_file_chars_max.value,
  totalChars: LIMITS.output_total_chars_max.value,
  files: LIMITS.output_files_max.value,
};

export type Callable = (...args: unknown[]) => unknown;

/** What a template sees beside its own variables. `find` answers with a compiled template of the same pack and variant. */
export type Host = {
  readonly globals: Readonly<Record<string, unknown>>;
  find(name: unknown, from: string): Program | null;
  /** The JSON Pointer of a list or mapping among the decisions. */
  pointerOf(value: object): string | undefined;
  /** Python's methods of mappings, as Nunjucks' Jinja mode has them. */
  readonly isJinja: boolean;
  readonly isAutoescaped: boolean;
  readonly throwOnUndefined: boolean;
};

/**
 * The state of one render of one output: counters against the limits, and what collecting variants gather. Steps
 * are charged by loops, calls, macros and, by the size of their input, filters.
 */
export class Run {
  steps = 0;
  depth = 0;
  readonly limits: RenderLimits;
  readonly host: Host;
  readonly stepsMax: number;
  /** Modules that depend on nothing but the context that they were imported with, by that context. */
  readonly #modules = new Map<object, Map<Program, Record<string, unknown>>>();
  readonly #faults = new Map<string, TemplateFault>();
  #faultCount = 0;
  /** A unit file printed a value with inner spaces: whether its key may hold one is decided by the span's key. */
  hasSpacedValues = false;
  /** Records where the output comes from; only traced variants look at it. */
  tracer: Tracer | null = null;

  constructor(host: Host, limits: RenderLimits) {
    this.host = host;
    this.limits = limits;
    this.stepsMax = limits.steps;
  }

  charge(steps: number, place?: TemplatePlace): void {
    this.steps += steps;
    if (this.steps > this.stepsMax) throw stepsFault(this.stepsMax, place);
  }

  /** Charges a filter or method for looking at `value`: about one step for 16 characters or 4 items. */
  chargeValue(value: unknown, place?: TemplatePlace): void {
    this.charge(1 + sizeInSteps(value), place);
  }

  /** Faults that a collecting variant met and survived, each once per place. */
  get faults(): TemplateFault[] {
    return [...this.#faults.values()];
  }

  /** Notes a fault. A loop may meet one a hundred thousand times: after some thousands the render is given up. */
  noteFault(fault: TemplateFault): void {
    const { template, line, column } = fault.place ?? { template: "", line: 0, column: 0 };
    const key = [template, line, column, fault.code, fault.message].join("\0");
    if (!this.#faults.has(key)) this.#faults.set(key, fault);
    if (++this.#faultCount > FAULTS_MAX) throw stepsFault(this.stepsMax, fault.place);
  }

  moduleOf(program: Program, values: object): Record<string, unknown> | undefined {
    return this.#modules.get(values)?.get(program);
  }

  keepModule(program: Program, values: object, exported: Record<string, unknown>): void {
    const modules = this.#modules.get(values);
    if (modules === undefined) this.#modules.set(values, new Map([[program, exported]]));
    else modules.set(program, exported);
  }

  enter(what: string, place: TemplatePlace): void {
    if (++this.depth > this.limits.depth) this.refuseDepth(what, place);
  }

  refuseDepth(what: string, place: TemplatePlace): never {
    throw new TemplateFault({
      code: "limit_depth",
      message: `${what} nested deeper than ${this.limits.depth} calls`,
      action: "Look for a macro, include or import that calls itself.",
      place,
    });
  }

  checkString(chars: number, what: string): void {
    if (chars > this.limits.stringChars) throw stringFault(what, this.limits.stringChars);
  }

  checkItems(count: number, what: string): void {
    if (!(count <= this.limits.rangeItems)) {
      throw new TemplateFault({
        code: "limit_loop",
        message: `${what} would have more than ${this.limits.rangeItems} items`,
        action: "Loop over less.",
      });
    }
  }
}

const sizeInSteps = (value: unknown): number => {
  if (typeof value === "string") return value.length >>> 4;
  if (Array.isArray(value)) return value.length >>> 2;
  return 4;
};

const FAULTS_MAX = 2000;

export const stepsFault = (limit: number, place?: TemplatePlace) =>
  new TemplateFault({
    code: "limit_steps",
    message: `the render takes more than ${limit} steps`,
    action: "Loop over less: the limit counts loop rounds, calls, and what filters read.",
    place,
  });

export const stringFault = (what: string, limit: number, place?: TemplatePlace) =>
  new TemplateFault({
    code: "limit_string",
    message: `${what} would build a text longer than ${limit} characters`,
    action: "Build less text at once.",
    place,
  });

const NO_DECISIONS: ReadonlySet<string> = new Set(["config", "data", "leger"]);

/** Variables of a running template that outlive its frames: what Nunjucks calls the context, and the block table. */
export class Instance {
  /** Names that blocks and macros defined from inside. */
  #defined: Record<string, unknown> | null = null;
  #origins: Map<string, Origins> | null = null;
  /** Both without a prototype, so that a name is either theirs or nothing. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly globals: Readonly<Record<string, unknown>>;
  /** Block name -> the blocks of that name, most derived template first. */
  readonly blocks = new Map<string, BlockCode[]>();

  constructor(values: Readonly<Record<string, unknown>>, globals: Readonly<Record<string, unknown>>, program: Program) {
    this.values = values;
    this.globals = globals;
    for (const block of program.blocks) this.blocks.set(block.name, [block]);
  }

  lookup(name: string): unknown {
    const defined = this.#defined;
    if (defined !== null && name in defined) return defined[name];
    const value = this.values[name];
    return value !== undefined || name in this.values ? value : this.globals[name];
  }

  /** Nothing was added to the values that it was made with. */
  get isUntouched(): boolean {
    return this.#defined === null;
  }

  /** Whether a name is, or could be, a decision: not a function, not the pack's data, not what a block defined. */
  isContextName(name: string): boolean {
    if (this.#defined !== null && name in this.#defined) return false;
    return name in this.values ? !NO_DECISIONS.has(name) : !(name in this.globals);
  }

  define(name: string, value: unknown, origins?: Origins): void {
    this.#defined ??= Object.create(null) as Record<string, unknown>;
    this.#defined[name] = value;
    if (origins === undefined) return;
    this.#origins ??= new Map();
    this.#origins.set(name, origins);
  }

  /** Where a name that was defined here comes from. */
  originsOf(name: string): Origins | undefined {
    return this.#origins?.get(name);
  }

  /** The instance of a template that runs with a copy of this context. */
  forInclude(program: Program): Instance {
    const instance = new Instance(this.values, this.globals, program);
    if (this.#defined !== null)
      instance.#defined = Object.assign(Object.create(null) as Record<string, unknown>, this.#defined);
    if (this.#origins !== null) instance.#origins = new Map(this.#origins);
    return instance;
  }
}

export type BlockCode = {
  readonly name: string;
  run(activation: Activation, view: View | null): string;
};

/**
 * Names visible at a call site (include, block, import with context, extends): resolved when the template was compiled, read from
 * the slots of the caller when needed.
 */
export type Names = ReadonlyMap<string, readonly number[]>;
export type View = { readonly names: Names; readonly slots: Slots; readonly parent: View | null };

/** Slot 0 of every slot array: what the running unit belongs to. */
export type Activation = {
  readonly run: Run;
  readonly instance: Instance;
  readonly view: View | null;
  /** The slots of the template's root (a macro reads its template's variables there); null for the root itself. */
  readonly root: Slots | null;
  /** Set by `extends`: the template that will be rendered instead. */
  parent: Program | null;
  readonly block: BlockCode | null;
  /** Where the values of the slots come from, by slot; only in traced variants. */
  readonly origins: (Origins | undefined)[] | null;
};

/** The variables of a running unit, by number. Numbers are given out when the template is compiled. */
export type Slots = [Activation, ...unknown[]];

/** Slots without values, to be copied for each activation: copying an array is faster than filling one. */
export const blankSlots = (count: number): readonly unknown[] => Array.from({ length: count }, () => undefined);

export function copySlots(blank: readonly unknown[], activation: Activation): Slots {
  const slots = blank.slice() as Slots;
  slots[0] = activation;
  return slots;
}

export const newOrigins = (run: Run): (Origins | undefined)[] | null => (run.tracer === null ? null : []);

export const rootOf = (slots: Slots): Slots => slots[0].root ?? slots;

/**
 * Loads names from around into slots: Nunjucks' look-up through frames (the first value that is not undefined), then the
 * context, then the globals.
 */
export function loadNames(slots: Slots, names: Iterable<readonly [name: string, slot: number]>): void {
  const { instance, view, origins, run } = slots[0];
  for (const [name, slot] of names) {
    const found = findInView(view, name);
    const value = found === null ? instance.lookup(name) : found.value;
    slots[slot] = value;
    if (origins === null || run.tracer === null) continue;
    if (found !== null) origins[slot] = found.origins;
    else if (instance.isContextName(name)) origins[slot] = run.tracer.originsOfName(name, value);
    else origins[slot] = instance.originsOf(name);
  }
}

function findInView(view: View | null, name: string): { value: unknown; origins: Origins | undefined } | null {
  for (let at = view; at !== null; at = at.parent) {
    const numbers = at.names.get(name);
    if (numbers === undefined) continue;
    for (const number of numbers) {
      const value = at.slots[number];
      if (value !== undefined) return { value, origins: at.slots[0].origins?.[number] };
    }
  }
  return null;
}
