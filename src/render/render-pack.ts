import type { Finding } from "#core/finding.ts";
import { type JsonObject } from "#core/json.ts";
import { LIMITS } from "#core/limits.ts";
import type { PackOutput } from "#core/pack.ts";
import { err, ok, type Result } from "#core/result.ts";
import type { Variant } from "#render/compile/compiler.ts";
import { conditionName, STRICT, type CompiledPack } from "#render/compile-pack.ts";
import { foreignFault } from "#render/compile/compiler.ts";
import { type TemplatePlace, TemplateFault } from "#render/fault.ts";
import { findingOfFault, sortedFindings } from "#render/finding-of-fault.ts";
import { type Marks } from "#render/mark-decisions.ts";
import { isUnitFile } from "#render/unit-file.ts";
import { DEFAULT_LIMITS, Instance, type RenderLimits, Run } from "#render/run.ts";
import { RenderWorld } from "#render/render-world.ts";
import type { SecretRequirement } from "#render/secret-function.ts";

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

export type RenderedFile = { readonly filename: string; readonly text: string; readonly template: string };

export type RenderedPack = {
  /** Sorted by filename; files of white space only are not there. */
  readonly files: readonly RenderedFile[];
  readonly secrets: readonly SecretRequirement[];
};

/** Renders every output of a pack for one configuration. Pure: equal inputs give equal bytes, or equal findings. */
export function renderPack(compiled: CompiledPack, input: RenderInput): Result<RenderedPack, Finding[]> {
  const limits = { ...DEFAULT_LIMITS, ...input.limits };
  const world = new RenderWorld(compiled, input);
  const files: RenderedFile[] = [];
  const faults: TemplateFault[] = [];
  const budget: Budget = { limits, steps: 0, chars: 0 };
  for (const output of compiled.pack.outputs) {
    const rendered = renderOutput(world, output, budget);
    if (!rendered.ok) {
      faults.push(...rendered.error);
      if (rendered.error.some((fault) => fault.isLimit)) break;
    } else if (rendered.value.trim() !== "") {
      files.push({ filename: output.output, text: rendered.value, template: output.template });
    } else world.dropSecretsOf(output.output);
  }
  for (const copy of compiled.pack.copies) {
    files.push({ filename: copy.output, text: compiled.pack.files[copy.path] ?? "", template: copy.path });
  }
  if (files.length > limits.files) faults.push(tooManyFiles(files.length, limits.files));
  if (faults.length > 0) return err(sortedFindings(faults.map((fault) => findingOfFault(fault, compiled.sources))));
  files.sort((a, b) => (a.filename < b.filename ? -1 : 1));
  return ok({ files, secrets: world.secrets });
}

/** What all outputs of one render share. */
type Budget = { readonly limits: RenderLimits; steps: number; chars: number };

function renderOutput(world: RenderWorld, output: PackOutput, budget: Budget): Result<string, TemplateFault[]> {
  if (output.when !== undefined) {
    const condition = renderTemplate(world, { output, template: conditionName(output), isUnit: false }, budget);
    if (!condition.ok || condition.value === "") return condition;
  }
  const rendered = renderTemplate(
    world,
    { output, template: output.template, isUnit: isUnitFile(output.output) },
    budget,
  );
  if (!rendered.ok) return rendered;
  budget.chars += rendered.value.length;
  const fault = sizeFault(rendered.value.length, output, budget);
  return fault === null ? rendered : err([fault]);
}

type Job = { readonly output: PackOutput; readonly template: string; readonly isUnit: boolean };

/** The fast variant first; only when it fails, the collecting one, which knows all faults and their places. */
function renderTemplate(world: RenderWorld, job: Job, budget: Budget): Result<string, TemplateFault[]> {
  const variant: Variant = { ...STRICT, isStrict: world.isStrict, isUnit: job.isUnit };
  try {
    return ok(runVariant(world, job, { variant, budget }).text);
  } catch (error) {
    const fault = error instanceof TemplateFault ? error : foreignFault(error);
    return err(
      fault.isLimit && fault.place !== undefined ? [fault] : collectFaults(world, job, { variant, budget, fault }),
    );
  }
}

type Attempt = { readonly variant: Variant; readonly budget: Budget };

function runVariant(world: RenderWorld, job: Job, { variant, budget }: Attempt): { text: string; run: Run } {
  const run = new Run(world.host(variant, job.output), budget.limits);
  run.steps = budget.steps;
  const program = world.compiled.program(job.template, variant);
  if (program === null) return { text: "", run };
  try {
    const text = program.render(run, new Instance(world.values(job.output), run.host.globals, program), null);
    return { text, run };
  } catch (error) {
    if (!variant.isCollecting) throw error;
    const start: TemplatePlace = { template: job.template, line: 1, column: 1 };
    run.faults.push(error instanceof TemplateFault ? error.at(start) : foreignFault(error, start));
    return { text: "", run };
  } finally {
    if (!variant.isCollecting) budget.steps = run.steps;
  }
}

function collectFaults(world: RenderWorld, job: Job, attempt: Attempt & { fault: TemplateFault }): TemplateFault[] {
  const budget = { ...attempt.budget, steps: 0 };
  const { run } = runVariant(world, job, { variant: { ...attempt.variant, isCollecting: true }, budget });
  return run.faults.length > 0 ? run.faults : [attempt.fault.at({ template: job.template, line: 1, column: 1 })];
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
