import type { Finding } from "#core/finding.ts";
import type { JsonObject } from "#core/json.ts";
import { LIMITS } from "#core/limits.ts";
import type { PackOutput } from "#core/pack.ts";
import { err, ok, type Result } from "#core/result.ts";
import { foreignFault } from "#render/compile/compiler.ts";
import { isSpacedWord } from "#render/compile/unit-text.ts";
import type { CompiledPack, OutputPlan } from "#render/compile-pack.ts";
import { type TemplatePlace, TemplateFault } from "#render/fault.ts";
import { findingOfFault, sortedFindings } from "#render/finding-of-fault.ts";
import type { Marks } from "#render/mark-decisions.ts";
import { type Attempt, PACK_GLOBALS, RenderWorld } from "#render/render-world.ts";
import { Instance, type RenderLimits } from "#render/run.ts";
import type { SecretRequirement } from "#render/secret-function.ts";
import type { DecisionPath, Origins } from "#render/trace/origin.ts";
import { Provenance, type TracedFile } from "#render/trace/provenance.ts";
import { Spans } from "#render/trace/spans.ts";

export type { SecretRequirement } from "#render/secret-function.ts";

export type RenderInput = {
  /** Effective decisions: pruned, with the schema's defaults applied. */
  readonly decisions: JsonObject;
  readonly deploymentName: string;
  /** JSON Pointers of the decisions that the schema marks. */
  readonly marks: Marks;
  readonly provenance?: boolean;
  readonly mode?: "strict" | "lenient";
  readonly limits?: Partial<RenderLimits>;
};

export type PrintedValue = {
  readonly start: number;
  readonly end: number;
  readonly place: TemplatePlace;
  readonly decision: string | undefined;
};

export type RenderedFile = {
  readonly filename: string;
  readonly text: string;
  readonly template: string;
  /**
   * Values with inner spaces that were printed bare into a unit file, by offsets: whether their key may hold one is for the checks of
   * units to say (DESIGN 8). With each the place that printed it and the decision that it is.
   */
  readonly printed: readonly PrintedValue[];
};

export type RenderedPack = {
  /** Sorted by filename; files of white space only are not there. */
  readonly files: readonly RenderedFile[];
  readonly secrets: readonly SecretRequirement[];
  /** Where each line comes from; only where it was asked for. */
  readonly provenance?: Provenance;
};

/** Renders every output of a pack for one configuration. Pure: equal inputs give equal bytes, or equal findings. */
export function renderPack(compiled: CompiledPack, input: RenderInput): Result<RenderedPack, Finding[]> {
  const world = new RenderWorld(compiled, input);
  const { limits } = world;
  const files: RenderedFile[] = [];
  const traced: TracedFile[] = [];
  const faults: TemplateFault[] = [];
  const budget: Budget = {
    limits,
    steps: 0,
    chars: 0,
    collectingSteps: COLLECTING_STEPS,
    suspectingSteps: TRACED_STEPS,
  };
  for (const plan of compiled.plans) {
    const { output } = plan;
    const rendered = input.provenance === true ? renderTraced(world, plan, budget) : renderOutput(world, plan, budget);
    if (!rendered.ok) {
      faults.push(...rendered.error);
      if (rendered.error.some((fault) => fault.endsRender) || budget.collectingSteps <= 0) break;
      continue;
    }
    const { text, hasSpacedValues } = rendered.value;
    if (text.trim() === "") {
      world.dropSecretsOf(output.output);
      continue;
    }
    const trace = rendered.value.trace ?? (hasSpacedValues ? traceOutput(world, plan, limits.steps) : null);
    if (trace !== null)
      traced.push({ filename: output.output, text, spans: trace.spans, conditions: trace.conditions });
    const printed = hasSpacedValues && trace !== null ? spacedValues(text, trace) : [];
    files.push({ filename: output.output, text, template: output.template, printed });
  }
  for (const copy of compiled.pack.copies) {
    files.push({ filename: copy.output, text: compiled.pack.files[copy.path] ?? "", template: copy.path, printed: [] });
  }
  if (files.length > limits.files) faults.push(tooManyFiles(files.length, limits.files));
  if (faults.length > 0) return err(sortedFindings(faults.map((fault) => findingOfFault(fault, compiled.sources))));
  // Plans are in order already.
  if (compiled.pack.copies.length > 0) files.sort((a, b) => (a.filename < b.filename ? -1 : 1));
  const result = { files, secrets: world.secrets };
  if (input.provenance !== true) return ok(result);
  return ok({ ...result, provenance: new Provenance(traced, compiled.pack.schema) });
}

/** Printed values with a space inside. */
const spacedValues = (text: string, { spans, suspectOf }: Trace): RenderedFile["printed"] =>
  spans.all
    .filter(({ mark, start, end }) => mark.kind === "value" && isSpacedWord(text.slice(start, end)))
    .map(({ start, end, mark, origins }) => ({ start, end, place: mark.place, decision: suspectOf(origins) }));

/** What all outputs of one render share: otherwise a pack of two hundred could take two hundred times as long. */
type Budget = {
  readonly limits: RenderLimits;
  /** Taken so far, by outputs that failed too. */
  steps: number;
  chars: number;
  /** Left for runs that look for further faults, beyond what the first run took to its first. */
  collectingSteps: number;
  /** Left for runs that look for the decisions behind faults. */
  suspectingSteps: number;
};

const COLLECTING_STEPS = 250_000;
const TRACED_STEPS = 50_000;

type Rendered = { readonly text: string; readonly hasSpacedValues: boolean; readonly trace?: Trace };

function renderOutput(world: RenderWorld, plan: OutputPlan, budget: Budget): Result<Rendered, TemplateFault[]> {
  const { output, condition, isUnit } = plan;
  if (condition !== null) {
    const asked = renderTemplate(world, { plan, template: condition, isUnit: false }, budget);
    if (!asked.ok || asked.value.text === "") return asked;
  }
  const rendered = renderTemplate(world, { plan, template: output.template, isUnit }, budget);
  if (!rendered.ok) return rendered;
  const { length } = rendered.value.text;
  budget.chars += length;
  const fault = sizeFault(length, output, budget);
  return fault === null ? rendered : err([fault]);
}

type Job = { readonly plan: OutputPlan; readonly template: string; readonly isUnit: boolean };

/** The fast variant first; only when it fails, the collecting one, which knows all faults and their places. */
function renderTemplate(world: RenderWorld, job: Job, budget: Budget): Result<Rendered, TemplateFault[]> {
  const attempt = world.attempt(job.plan, job);
  const { run } = attempt;
  run.steps = budget.steps;
  run.depth = 0;
  run.hasSpacedValues = false;
  try {
    const text = renderJob(world, job, attempt);
    budget.steps = run.steps;
    return ok({ text, hasSpacedValues: run.hasSpacedValues });
  } catch (error) {
    const fault = error instanceof TemplateFault ? error : foreignFault(error);
    const stepsTaken = run.steps - budget.steps;
    budget.steps = run.steps;
    if (fault.endsRender && fault.place !== undefined) return err([fault]);
    return err(collectFaults(world, job, { fault, stepsTaken, budget }));
  }
}

function renderJob(world: RenderWorld, job: Job, { run, programs }: Attempt): string {
  const program = programs(job.template);
  if (program === null) return "";
  return program.render(run, new Instance(world.values(job.plan), PACK_GLOBALS, program), null);
}

type Failure = { readonly fault: TemplateFault; readonly stepsTaken: number; readonly budget: Budget };

function collectFaults(world: RenderWorld, job: Job, { fault, stepsTaken, budget }: Failure): TemplateFault[] {
  const start: TemplatePlace = { template: job.template, line: 1, column: 1 };
  const attempt = world.attempt(job.plan, { isUnit: job.isUnit, isCollecting: true });
  const { run } = attempt;
  const stepsBefore = Math.max(0, run.stepsMax - stepsTaken - budget.collectingSteps);
  run.steps = stepsBefore;
  try {
    renderJob(world, job, attempt);
  } catch (error) {
    // What ended the collecting run matters only where it found nothing else.
    if (run.faults.length === 0)
      run.noteFault(error instanceof TemplateFault ? error.at(start) : foreignFault(error, start));
  }
  budget.collectingSteps -= Math.max(0, run.steps - stepsBefore - stepsTaken);
  const faults = run.faults.length > 0 ? run.faults : [fault.at(start)];
  return faults.every(({ decision }) => decision !== undefined)
    ? faults
    : withDecisions(world, job, { faults, budget });
}

type Undecided = { readonly faults: readonly TemplateFault[]; readonly budget: Budget };

/**
 * Says of faults which decision they are about, by a last run that traces too. It may take few steps: a render that would need more is
 * refused with the places alone.
 */
function withDecisions(world: RenderWorld, job: Job, { faults, budget }: Undecided): TemplateFault[] {
  const attempt = world.attempt(job.plan, { isUnit: job.isUnit, isCollecting: true, isTraced: true });
  const { run } = attempt;
  const stepsBefore = Math.max(0, run.stepsMax - budget.suspectingSteps);
  run.steps = stepsBefore;
  try {
    renderJob(world, job, attempt);
  } catch {
    // What it noted until then counts; the faults themselves are known.
  }
  budget.suspectingSteps -= run.steps - stepsBefore;
  const aboutValues = run.faults.filter(({ code }) => !ABOUT_NAMES.has(code));
  const decisions = new Map(aboutValues.map((fault) => [faultKey(fault), fault.decision]));
  return faults.map((fault) => fault.about(decisions.get(faultKey(fault))));
}

/** Faults of the template alone: no other value of a decision that was read there would change them. */
const ABOUT_NAMES: ReadonlySet<string> = new Set([
  "not_callable",
  "import_not_found",
  "template_not_found",
  "no_super",
]);

const faultKey = ({ place, code, message }: TemplateFault) =>
  `${place?.template}:${place?.line}:${place?.column} ${code} ${message}`;

/**
 * With provenance, an output is rendered by traced programs at once, as long as that takes few steps: they cost more than plain ones, and
 * a render that is refused anyway should be refused cheaply. Otherwise, and where it fails, the plain one comes first.
 */
function renderTraced(world: RenderWorld, plan: OutputPlan, budget: Budget): Result<Rendered, TemplateFault[]> {
  let trace: Trace;
  try {
    trace = traceOutput(world, plan, Math.min(TRACED_STEPS, budget.limits.steps - budget.steps));
  } catch {
    const plain = renderOutput(world, plan, budget);
    if (!plain.ok || plain.value.text.trim() === "") return plain;
    return ok({ ...plain.value, trace: traceOutput(world, plan, budget.limits.steps) });
  }
  budget.steps += trace.steps;
  budget.chars += trace.text.length;
  const fault = sizeFault(trace.text.length, plan.output, budget);
  if (fault !== null) return err([fault]);
  return ok({ text: trace.text, hasSpacedValues: trace.hasSpacedValues, trace });
}

type Trace = {
  readonly text: string;
  readonly steps: number;
  readonly hasSpacedValues: boolean;
  readonly spans: Spans;
  readonly conditions: ReadonlySet<DecisionPath>;
  /** The decision behind a value, as JSON Pointer. */
  readonly suspectOf: (origins: Origins) => string | undefined;
};

/** Renders an output in at most `stepsMax` steps, recording where its parts come from. */
function traceOutput(world: RenderWorld, plan: OutputPlan, stepsMax: number): Trace {
  let steps = 0;
  const trace = (template: string, isUnit: boolean) => {
    const attempt = world.attempt(plan, { isUnit, isTraced: true });
    const { run } = attempt;
    const stepsBefore = run.stepsMax - stepsMax + steps;
    run.steps = stepsBefore;
    run.depth = 0;
    run.hasSpacedValues = false;
    run.tracer?.begin();
    const text = renderJob(world, { plan, template, isUnit }, attempt);
    steps += run.steps - stepsBefore;
    const suspectOf = (origins: Origins) => run.tracer?.suspectOf(origins);
    return { text, steps, hasSpacedValues: run.hasSpacedValues, spans: run.tracer?.spans ?? new Spans(), suspectOf };
  };
  const condition = plan.condition === null ? null : trace(plan.condition, false);
  const conditions = new Set<DecisionPath>();
  condition?.spans.addPathsTo(conditions);
  if (condition !== null && condition.text === "") return { ...condition, conditions };
  return { ...trace(plan.output.template, plan.isUnit), conditions };
}

function sizeFault(chars: number, output: PackOutput, budget: Budget): TemplateFault | null {
  const { limits } = budget;
  const isFileTooLarge = chars > limits.fileChars;
  if (!isFileTooLarge && budget.chars <= limits.totalChars) return null;
  const place = { template: output.template, line: 1, column: 1 };
  return new TemplateFault({
    code: isFileTooLarge ? LIMITS.output_file_chars_max.code : LIMITS.output_total_chars_max.code,
    message: isFileTooLarge
      ? `${output.output} would have more than ${limits.fileChars} characters`
      : `the render would have more than ${limits.totalChars} characters`,
    action: "Render less, or ship large data as an image or a volume.",
    place,
  });
}

const tooManyFiles = (count: number, limit: number) =>
  new TemplateFault({
    code: LIMITS.output_files_max.code,
    message: `the render has ${count} files, more than ${limit}`,
    action: "Put fewer services into one pack.",
  });
