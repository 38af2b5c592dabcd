import { pointerToken } from "#core/json.ts";
import type { PackOutput } from "#core/pack.ts";
import { type CompiledPack, STRICT } from "#render/compile-pack.ts";
import type { Variant } from "#render/compile/compiler.ts";
import { missingTemplate } from "#render/compile/template-name.ts";
import { GLOBALS, withoutPrototype } from "#render/globals.ts";
import { HostFunction } from "#render/macro-function.ts";
import { markDecisions } from "#render/mark-decisions.ts";
import { findInPack } from "#render/pack-paths.ts";
import type { RenderInput } from "#render/render-pack.ts";
import { DEFAULT_LIMITS, type RenderLimits, Run } from "#render/run.ts";
import { secretFunction, type SecretRequirement } from "#render/secret-function.ts";
import { Tracer } from "#render/trace/tracer.ts";
import { textOf } from "#render/values/text.ts";

type Kind = { readonly isUnit: boolean; readonly isCollecting?: boolean; readonly isTraced?: boolean };

/**
 * What the templates of one render see: the decisions (closed up where marked), the pack's data and files, the functions. Outputs
 * that see the same run in one `Run` per variant, so that what they all import is evaluated once.
 */
export class RenderWorld {
  readonly compiled: CompiledPack;
  readonly limits: RenderLimits;
  readonly #isStrict: boolean;
  readonly #input: RenderInput;
  readonly #secrets = new Map<string, SecretRequirement>();
  readonly #values = new Map<boolean, Readonly<Record<string, unknown>>>();
  readonly #runs = new Map<number, { readonly run: Run; readonly variant: Variant }>();
  readonly #globals: Readonly<Record<string, unknown>>;
  /** The output that is being rendered. */
  #output: PackOutput | null = null;

  constructor(compiled: CompiledPack, input: RenderInput) {
    this.compiled = compiled;
    this.limits = { ...DEFAULT_LIMITS, ...input.limits };
    this.#isStrict = input.mode !== "lenient";
    this.#input = input;
    this.#globals = this.#makeGlobals();
  }

  /** Sorted by file and name. */
  get secrets(): SecretRequirement[] {
    const keys = [...this.#secrets.keys()].toSorted();
    return keys.flatMap((key) => this.#secrets.get(key) ?? []);
  }

  dropSecretsOf(file: string): void {
    for (const [key, secret] of this.#secrets) if (secret.file === file) this.#secrets.delete(key);
  }

  get globals(): Readonly<Record<string, unknown>> {
    return this.#globals;
  }

  /** The context of an output's templates (DESIGN 7). */
  values(output: PackOutput): Readonly<Record<string, unknown>> {
    const isSensitive = output.sensitive === true;
    const known = this.#values.get(isSensitive);
    if (known !== undefined) return known;
    const config = markDecisions(this.#input.decisions, this.#input.marks, isSensitive);
    const leger = { deployment_name: this.#input.deploymentName };
    const values = withoutPrototype(config, { config, data: this.compiled.pack.data, leger });
    this.#values.set(isSensitive, values);
    return values;
  }

  /** The run of an output's kind, and the variant of its programs. */
  runOf(output: PackOutput, kind: Kind): { readonly run: Run; readonly variant: Variant } {
    this.#output = output;
    const { isUnit, isCollecting = false, isTraced = false } = kind;
    const key =
      Number(isUnit) + 2 * Number(isCollecting) + 4 * Number(isTraced) + 8 * Number(output.sensitive === true);
    const known = this.#runs.get(key);
    // A collecting run is used up by its faults.
    if (known !== undefined && !isCollecting) return known;
    const variant: Variant = { ...STRICT, isStrict: this.#isStrict, isUnit, isCollecting, isTraced };
    const run = this.#newRun(variant, output);
    if (isTraced) run.tracer = new Tracer(this.values(output)["config"] as object);
    this.#runs.set(key, { run, variant });
    return { run, variant };
  }

  #newRun(variant: Variant, output: PackOutput): Run {
    const { compiled } = this;
    let pointers: Map<object, string> | null = null;
    const host = {
      globals: this.#globals,
      find: (name: unknown, from: string) => (typeof name === "string" ? compiled.find(name, from, variant) : null),
      pointerOf: (value: object) => (pointers ??= this.#pointers(output)).get(value),
      isAutoescaped: false,
      throwOnUndefined: variant.isStrict,
      isJinja: compiled.isJinja,
    };
    return new Run(host, this.limits);
  }

  #makeGlobals(): Readonly<Record<string, unknown>> {
    const { files } = this.compiled.pack;
    const readFile = new HostFunction(({ place }, args) => {
      const name = textOf(args[0]);
      const path = findInPack(files, name, place.template);
      if (path === null) throw missingTemplate(name, place);
      return files[path];
    });
    const secret = secretFunction((requirement) => {
      const { name, type, target } = requirement;
      const file = this.#output?.output ?? "";
      this.#secrets.set(`${file}\0${name}\0${type}\0${target ?? ""}`, { ...requirement, file });
    });
    return withoutPrototype(GLOBALS, { readFile, secret });
  }

  #pointers(output: PackOutput): Map<object, string> {
    const pointers = new Map<object, string>();
    notePointers(pointers, this.values(output)["config"], "");
    return pointers;
  }
}

function notePointers(pointers: Map<object, string>, value: unknown, pointer: string): void {
  if (typeof value !== "object" || value === null) return;
  pointers.set(value, pointer);
  for (const [key, item] of Object.entries(value)) notePointers(pointers, item, `${pointer}/${pointerToken(key)}`);
}
