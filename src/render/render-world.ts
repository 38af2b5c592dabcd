import { pointerToken } from "#core/json.ts";
import { type CompiledPack, type OutputPlan, type Programs, STRICT } from "#render/compile-pack.ts";
import type { Variant } from "#render/compile/compiler.ts";
import { missingTemplate } from "#render/compile/template-name.ts";
import { GLOBALS, withoutPrototype } from "#render/globals.ts";
import { HostFunction } from "#render/macro-function.ts";
import { MarkedDecisions } from "#render/mark-decisions.ts";
import { findInPack } from "#render/pack-paths.ts";
import type { RenderInput } from "#render/render-pack.ts";
import { type Context, DEFAULT_LIMITS, type RenderLimits, Run } from "#render/run.ts";
import { secretFunction, type SecretRequirement } from "#render/secret-function.ts";
import { SecretList } from "#render/secret-list.ts";
import { Tracer } from "#render/trace/tracer.ts";
import { textOf } from "#render/values/text.ts";

type Kind = { readonly isUnit: boolean; readonly isCollecting?: boolean; readonly isTraced?: boolean };

const readFile = new HostFunction(({ run, place }, args) => {
  const name = textOf(args[0]);
  const text = run.host.readFile?.(name, place.template) ?? null;
  if (text === null) throw missingTemplate(name, place);
  return text;
});

/** What templates of packs may call. */
export const PACK_GLOBALS = withoutPrototype(GLOBALS, { readFile, secret: secretFunction });

/** One run for all outputs of a kind, with the programs of its variant. */
export type Attempt = { readonly run: Run; readonly programs: Programs };

/**
 * What the templates of one render see: the decisions (closed up where marked), the pack's data and files, the functions. Outputs
 * that see the same run in one `Run` per variant, so that what they all import is evaluated once.
 */
export class RenderWorld {
  readonly compiled: CompiledPack;
  readonly limits: RenderLimits;
  readonly #isStrict: boolean;
  readonly #input: RenderInput;
  readonly #decisions: MarkedDecisions;
  /** One list for each output that needs secrets, in the order of the outputs. */
  readonly #secrets: SecretList[] = [];
  #plainValues: Context | null = null;
  #sensitiveValues: Context | null = null;
  readonly #attempts: Attempt[] = [];
  /** The output that is being rendered. */
  #file = "";

  constructor(compiled: CompiledPack, input: RenderInput) {
    this.compiled = compiled;
    this.limits = input.limits === undefined ? DEFAULT_LIMITS : { ...DEFAULT_LIMITS, ...input.limits };
    this.#isStrict = input.mode !== "lenient";
    this.#input = input;
    this.#decisions = new MarkedDecisions(input.decisions, input.marks);
  }

  /** Sorted by file, as the plans are, and name. */
  get secrets(): SecretRequirement[] {
    const secrets: SecretRequirement[] = [];
    for (const list of this.#secrets) list.addSortedTo(secrets);
    return secrets;
  }

  dropSecretsOf(file: string): void {
    if (this.#secrets.at(-1)?.file === file) this.#secrets.pop();
  }

  /** The context of an output's templates (DESIGN 7). */
  values({ isSensitive }: OutputPlan): Context {
    if (isSensitive) return (this.#sensitiveValues ??= this.#makeValues(true));
    return (this.#plainValues ??= this.#makeValues(false));
  }

  #makeValues(isSensitive: boolean): Context {
    const config = this.#decisions.for({ isSensitive });
    const leger = { deployment_name: this.#input.deploymentName };
    return { ...config, config, data: this.compiled.pack.data, leger };
  }

  /** The run of an output's kind, and the programs of its variant. */
  attempt(plan: OutputPlan, kind: Kind): Attempt {
    this.#file = plan.output.output;
    const { isUnit, isCollecting = false, isTraced = false } = kind;
    const key = Number(isUnit) + 2 * Number(isCollecting) + 4 * Number(isTraced) + 8 * Number(plan.isSensitive);
    const known = this.#attempts[key];
    // A collecting run is used up by its faults.
    if (known !== undefined && !isCollecting) return known;
    const variant: Variant = { ...STRICT, isStrict: this.#isStrict, isUnit, isCollecting, isTraced };
    const run = this.#newRun(variant, plan);
    if (isTraced) run.tracer = new Tracer(this.values(plan)["config"] as object);
    const attempt: Attempt = { run, programs: this.compiled.programs(variant) };
    this.#attempts[key] = attempt;
    return attempt;
  }

  #newRun(variant: Variant, plan: OutputPlan): Run {
    const { compiled } = this;
    let pointers: Map<object, string> | null = null;
    const host = {
      globals: PACK_GLOBALS,
      find: (name: unknown, from: string) => (typeof name === "string" ? compiled.find(name, from, variant) : null),
      pointerOf: (value: object) => (pointers ??= this.#pointers(plan)).get(value),
      isAutoescaped: false,
      throwOnUndefined: variant.isStrict,
      isJinja: compiled.isJinja,
      readFile: (name: string, from: string) => {
        const path = findInPack(compiled.pack.files, name, from);
        return path === null ? null : (compiled.pack.files[path] ?? null);
      },
      noteSecret: (secret: SecretRequirement) => this.#noteSecret(secret),
    };
    return new Run(host, this.limits);
  }

  #noteSecret(secret: SecretRequirement): void {
    secret.file = this.#file;
    let secrets = this.#secrets[this.#secrets.length - 1];
    if (secrets === undefined || secrets.file !== this.#file) {
      secrets = new SecretList(this.#file);
      this.#secrets.push(secrets);
    }
    secrets.add(secret);
  }

  #pointers(plan: OutputPlan): Map<object, string> {
    const pointers = new Map<object, string>();
    notePointers(pointers, this.values(plan)["config"], "");
    return pointers;
  }
}

function notePointers(pointers: Map<object, string>, value: unknown, pointer: string): void {
  if (typeof value !== "object" || value === null) return;
  pointers.set(value, pointer);
  for (const [key, item] of Object.entries(value)) notePointers(pointers, item, `${pointer}/${pointerToken(key)}`);
}
