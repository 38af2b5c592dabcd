import type { Finding } from "#core/finding.ts";
import type { JsonObject } from "#core/json.ts";
import { LIMITS } from "#core/limits.ts";
import type { PackOutput } from "#core/pack.ts";
import { err, ok, type Result } from "#core/result.ts";
import { foreignFault, type Variant } from "#render/compile/compiler.ts";
import { isSpacedWord } from "#render/compile/print.ts";
import { type CompiledPack, conditionName } from "#render/compile-pack.ts";
import { type TemplatePlace, TemplateFault } from "#render/fault.ts";
import { findingOfFault, sortedFindings } from "#render/finding-of-fault.ts";
import type { Marks } from "#render/mark-decisions.ts";
import { RenderWorld } from "#render/render-world.ts";
import { DEFAULT_LIMITS, Instance, type RenderLimits, type Run } from "#render/run.ts";
import type { SecretRequirement } from "#render/secret-function.ts";
import type { DecisionPath } from "#render/trace/origin.ts";
import { type Provenance, provenanceOf, type TracedFile } from "#render/trace/provenance.ts";
import type { Span } from "#render/trace/tracer.ts";
import { isUnitFile } from "#render/unit-file.ts";

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

export type RenderedFile = {
  readonly filename: string;
  readonly text: string;
  readonly template: string;
  /**
   * Values with inner spaces that were printed bare into a unit file, by offsets: whether their key may hold one is for the checks of
   * units to say (DESIGN 8).
   */
  readonly printed: readonly { readonly start: number; readonly end: number }[];
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
  const limits = { ...DEFAULT_LIMITS, ...input.limits };
  const world = new RenderWorld(compiled, input);
  const files: RenderedFile[] = [];
  const traced: TracedFile[] = [];
  const faults: TemplateFault[] = [];
  const budget: Budget = { limits, steps: 0, chars: 0 };
  for (const output of compiled.pack.outputs) {
    const rendered = renderOutput(world, output, budget);
    if (!rendered.ok) {
      faults.push(...rendered.error);
      if (rendered.error.some((fault) => fault.isLimit)) break;
      continue;
    }
    const { text, hasSpacedValues } = rendered.value;
    if (text.trim() === "") {
      world.dropSecretsOf(output.output);
      continue;
    }
    const trace = hasSpacedValues || input.provenance === true ? traceOutput(world, output, limits) : null;
    if (trace !== null)
      traced.push({ filename: output.output, text, spans: trace.spans, conditions: trace.conditions });
    const printed = hasSpacedValues && trace !== null ? spacedSpans(text, trace.spans) : [];
    files.push({ filename: output.output, text, template: output.template, printed });
  }
  for (const copy of compiled.pack.copies) {
    files.push({ filename: copy.output, text: compiled.pack.files[copy.path] ?? "", template: copy.path, printed: [] });
  }
  if (files.length > limits.files) faults.push(tooManyFiles(files.length, limits.files));
  if (faults.length > 0) return err(sortedFindings(faults.map((fault) => findingOfFault(fault, compiled.sources))));
  files.sort((a, b) => (a.filename < b.filename ? -1 : 1));
  const result = { files, secrets: world.secrets };
  if (input.provenance !== true) return ok(result);
  return ok({ ...result, provenance: provenanceOf(traced, compiled.pack.schema) });
}

/** Spans of printed values with a space inside. */
const spacedSpans = (text: string, spans: readonly Span[]): RenderedFile["printed"] =>
  spans
    .filter(({ kind, start, end }) => kind === "value" && isSpacedWord(text.slice(start, end)))
    .map(({ start, end }) => ({ start, end }));

/** What all outputs of one render share. */
type Budget = { readonly limits: RenderLimits; steps: number; chars: number };

type Rendered = { readonly text: string; readonly hasSpacedValues: boolean };

function renderOutput(world: RenderWorld, output: PackOutput, budget: Budget): Result<Rendered, TemplateFault[]> {
  if (output.when !== undefined) {
    const condition = renderTemplate(world, { output, template: conditionName(output), isUnit: false }, budget);
    if (!condition.ok || condition.value.text === "") return condition;
  }
  const rendered = renderTemplate(
    world,
    { output, template: output.template, isUnit: isUnitFile(output.output) },
    budget,
  );
  if (!rendered.ok) return rendered;
  const { length } = rendered.value.text;
  budget.chars += length;
  const fault = sizeFault(length, output, budget);
  return fault === null ? rendered : err([fault]);
}

type Job = { readonly output: PackOutput; readonly template: string; readonly isUnit: boolean };

/** The fast variant first; only when it fails, the collecting one, which knows all faults and their places. */
function renderTemplate(world: RenderWorld, job: Job, budget: Budget): Result<Rendered, TemplateFault[]> {
  const variant = world.variant({ isUnit: job.isUnit });
  const run = world.run(variant, job.output, budget.limits);
  run.steps = budget.steps;
  try {
    const text = renderJob(world, job, { run, variant });
    budget.steps = run.steps;
    return ok({ text, hasSpacedValues: run.hasSpacedValues });
  } catch (error) {
    const fault = error instanceof TemplateFault ? error : foreignFault(error);
    return err(fault.isLimit && fault.place !== undefined ? [fault] : collectFaults(world, job, { budget, fault }));
  }
}

type Attempt = { readonly run: Run; readonly variant: Variant };

function renderJob(world: RenderWorld, job: Job, { run, variant }: Attempt): string {
  const program = world.compiled.program(job.template, variant);
  if (program === null) return "";
  return program.render(run, new Instance(world.values(job.output), run.host.globals, program), null);
}

type Failed = { readonly budget: Budget; readonly fault: TemplateFault };

function collectFaults(world: RenderWorld, job: Job, { budget, fault }: Failed): TemplateFault[] {
  const start: TemplatePlace = { template: job.template, line: 1, column: 1 };
  const variant = world.variant({ isUnit: job.isUnit, isCollecting: true });
  const run = world.run(variant, job.output, budget.limits);
  try {
    renderJob(world, job, { run, variant });
  } catch (error) {
    run.faults.push(error instanceof TemplateFault ? error.at(start) : foreignFault(error, start));
  }
  return run.faults.length > 0 ? run.faults : [fault.at(start)];
}

/** Renders an output once more, recording where its parts come from. It has succeeded before, so it does now. */
function traceOutput(
  world: RenderWorld,
  output: PackOutput,
  limits: RenderLimits,
): { spans: readonly Span[]; conditions: Set<DecisionPath> } {
  const tracer = world.tracer(output);
  const trace = (template: string, isUnit: boolean): readonly Span[] => {
    const variant = world.variant({ isUnit, isTraced: true });
    const run = world.run(variant, output, limits);
    run.tracer = tracer;
    tracer.begin();
    renderJob(world, { output, template, isUnit }, { run, variant });
    return tracer.spans;
  };
  const condition = output.when === undefined ? [] : trace(conditionName(output), false);
  const spans = trace(output.template, isUnitFile(output.output));
  return { spans, conditions: new Set(condition.flatMap((span) => [...span.origins.paths])) };
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
