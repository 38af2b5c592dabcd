import { LIMITS } from "#core/limits.ts";
import { type TemplatePlace, TemplateFault } from "#render/fault.ts";
import type { Module } from "#render/compile/module.ts";
import type { Program } from "#render/compile/program.ts";
import type { SecretRequirement } from "#render/secret-function.ts";
import type { Origins } from "#render/trace/origin.ts";
import type { Tracer } from "#render/trace/tracer.ts";
import { stepsOfText } from "#render/values/meter.ts";
import { SafeString } from "#render/values/safe-string.ts";

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

/** The decisions and what else a template sees, by name. */
export type Context = Readonly<Record<string, unknown>>;

/** Functions by name, without a prototype, so that a name is either there or nothing. */
export type Globals = Readonly<Record<string, unknown>>;

export type Callable = (...args: unknown[]) => unknown;

/** What a template sees beside its own variables. `find` answers with a compiled template of the same pack and variant. */
export type Host = {
  readonly globals: Globals;
  find(name: unknown, from: string): Program | null;
  /** The JSON Pointer of a list or mapping among the decisions. */
  pointerOf(value: object): string | undefined;
  /** Python's methods of mappings, as Nunjucks' Jinja mode has them. */
  readonly isJinja: boolean;
  readonly isAutoescaped: boolean;
  readonly throwOnUndefined: boolean;
  /** `readFile()`: the text of a file of the pack; null where there is none. Renders of a pack have it. */
  readFile?(name: string, from: string): string | null;
  /** `secret()`: a secret that the output at work needs; its file is filled in here. */
  noteSecret?(secret: SecretRequirement): void;
};

/**
 * The state of one render of one output: counters against the limits, and what collecting variants gather. Steps
 * are charged for what runs (by its tokens: loop rounds, macros, blocks, templates), for calls, and by their size for values that are
 * looked at as a whole: what filters read, lists that become texts, long texts.
 */
export class Run {
  steps = 0;
  depth = 0;
  declare readonly limits: RenderLimits;
  declare readonly host: Host;
  declare readonly stepsMax: number;
  /** Modules that depend on nothing but the context that they were imported with. */
  #modules: Map<Program, { readonly values: Context; readonly module: Module }> | null = null;
  #faults: Map<string, TemplateFault> | null = null;
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

  /** Charges a filter or method for looking at `value`: about one step for 8 characters or 2 items. */
  chargeValue(value: unknown, place?: TemplatePlace): void {
    this.charge(1 + sizeInSteps(value, this.stepsMax), place);
  }

  /** Faults that a collecting variant met and survived, each once per place. */
  get faults(): TemplateFault[] {
    return this.#faults === null ? [] : [...this.#faults.values()];
  }

  /** Notes a fault. A loop may meet one a hundred thousand times: after some hundreds the render is given up. */
  noteFault(fault: TemplateFault): void {
    const { template, line, column } = fault.place ?? { template: "", line: 0, column: 0 };
    const key = [template, line, column, fault.code, fault.message].join("\0");
    this.#faults ??= new Map();
    if (!this.#faults.has(key)) this.#faults.set(key, fault);
    if (++this.#faultCount > FAULTS_MAX) throw stepsFault(this.stepsMax, fault.place);
  }

  /** What a template defined when it was imported with these values before. */
  moduleOf(program: Program, values: Context): Module | undefined {
    const known = this.#modules?.get(program);
    return known?.values === values ? known.module : undefined;
  }

  keepModule(values: Context, module: Module): void {
    this.#modules ??= new Map();
    this.#modules.set(module.program, { values, module });
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

  /** A text that was put together: V8 copies it once it is looked at. */
  checkText(text: string, what: string, place?: TemplatePlace): void {
    this.charge(stepsOfText(text.length), place);
    if (text.length > this.limits.stringChars) throw stringFault(what, this.limits.stringChars, place);
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

/** How many tokens of a template run in one step: most of them are done within a few nanoseconds. */
const TOKENS_OF_A_STEP = 4;
/** What it costs to run code of this weight once (ast.ts), beside what it is charged for where its values are large. */
export const stepsOfWeight = (weight: number): number => Math.floor(weight / TOKENS_OF_A_STEP);

/** Lists deeper than this cannot be printed (values/text.ts), so what lies deeper costs nobody anything. */
const LIST_DEPTH_MAX = 64;

/** What a list holds counts too, as far as `most`: filters make texts of it, and a shared nested list is exponential. */
function sizeInSteps(value: unknown, most: number, depth = 0): number {
  if (typeof value === "string" || value instanceof SafeString) return value.length >>> 3;
  if (!Array.isArray(value)) return 4;
  let size = value.length >>> 1;
  for (const item of value as unknown[]) {
    if (typeof item === "string" || item instanceof SafeString) size += item.length >>> 3;
    else if (Array.isArray(item) && depth < LIST_DEPTH_MAX) size += 1 + sizeInSteps(item, most - size, depth + 1);
    if (size > most) break;
  }
  return size;
}

const FAULTS_MAX = 800;

export const stepsFault = (limit: number, place?: TemplatePlace) =>
  new TemplateFault({
    code: "limit_steps",
    message: `the render takes more than ${limit} steps`,
    action: "Loop over less: the limit counts what runs in each round, calls, and what filters read.",
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
  #defined: Map<string, unknown> | null = null;
  #origins: Map<string, Origins> | null = null;
  readonly values: Context;
  readonly globals: Globals;
  /** Block name -> the blocks of that name, most derived template first. */
  #blocks: ReadonlyMap<string, readonly BlockCode[]>;

  constructor(values: Context, globals: Globals, program: Program) {
    this.values = values;
    this.globals = globals;
    this.#blocks = program.blocks;
  }

  blocksOf(name: string): readonly BlockCode[] {
    return this.#blocks.get(name) ?? [];
  }

  /** `extends`: the parent's blocks come after those that are known already. */
  addBlocks(parent: Program): void {
    const blocks = new Map(this.#blocks);
    for (const [name, chain] of parent.blocks) blocks.set(name, [...this.blocksOf(name), ...chain]);
    this.#blocks = blocks;
  }

  lookup({ name, isPlain }: ContextName): unknown {
    const defined = this.#defined;
    if (defined?.has(name)) return defined.get(name);
    const { values } = this;
    const value = isPlain ? values[name] : undefined;
    if (value !== undefined) return value;
    const global = this.globals[name];
    if (isPlain && global === undefined) return undefined;
    return Object.hasOwn(values, name) ? values[name] : global;
  }

  /** How many names an include or import copies. */
  get definedCount(): number {
    return this.#defined?.size ?? 0;
  }

  /** Nothing was added to the values that it was made with. */
  get isUntouched(): boolean {
    return this.#defined === null;
  }

  /** Whether a name is, or could be, a decision: not a function, not the pack's data, not what a block defined. */
  isContextName(name: string): boolean {
    if (this.#defined?.has(name)) return false;
    return Object.hasOwn(this.values, name) ? !NO_DECISIONS.has(name) : !(name in this.globals);
  }

  define(name: string, value: unknown, origins?: Origins): void {
    this.#defined ??= new Map();
    this.#defined.set(name, value);
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
    if (this.#defined !== null) instance.#defined = new Map(this.#defined);
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
export type Names = {
  get(name: string): readonly number[] | undefined;
  has(name: string): boolean;
  keys(): Iterable<string>;
};
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
  /** What the macros that are defined here share. */
  ofMacros: Activation | null;
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

/** Where the values of slots come from, as many as there are slots; none where nothing is traced. */
export const newOrigins = (run: Run, blank: readonly unknown[]): (Origins | undefined)[] | null =>
  run.tracer === null ? null : (blank.slice() as (Origins | undefined)[]);

/** Of the slots that a name may be in, the first that has a value. */
export function slotWithValue(numbers: readonly number[], slots: Slots): number | undefined {
  for (const number of numbers) if (slots[number] !== undefined) return number;
  return undefined;
}

export const rootOf = (slots: Slots): Slots => slots[0].root ?? slots;

/** A name that a unit reads from around, and the slot that it is loaded into when the unit starts. */
export type ContextName = {
  readonly name: string;
  readonly slot: number;
  /** No prototype has a member of that name: what is found under it in a context is the context's own. */
  readonly isPlain: boolean;
};

/**
 * Loads names from around into slots: Nunjucks' look-up through frames (the first value that is not undefined), then the
 * context, then the globals.
 */
export function loadNames(slots: Slots, names: readonly ContextName[]): void {
  const { instance, view, origins } = slots[0];
  if (origins !== null) loadTraced(slots, names);
  else if (view === null) for (const name of names) slots[name.slot] = instance.lookup(name);
  else {
    chargeViews(slots, names.length);
    for (const name of names) {
      const found = findInView(view, name.name);
      slots[name.slot] = found === null ? instance.lookup(name) : found.value;
    }
  }
}

/** A template costs what looking its names up once costs; what is included deep inside looks into every view around it. */
function chargeViews(slots: Slots, count: number): void {
  const { run, view } = slots[0];
  let further = 0;
  for (let at = view?.parent ?? null; at !== null; at = at.parent) further++;
  if (further > 0) run.charge(stepsOfWeight(further * count));
}

function loadTraced(slots: Slots, names: readonly ContextName[]): void {
  const { instance, view, origins, run } = slots[0];
  chargeViews(slots, names.length);
  for (const contextName of names) {
    const { name, slot } = contextName;
    const found = findInView(view, name);
    const value = found === null ? instance.lookup(contextName) : found.value;
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
