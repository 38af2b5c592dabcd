import type { PackOutput } from "#core/pack.ts";
import { pointerToken } from "#core/json.ts";
import { type CompiledPack, STRICT } from "#render/compile-pack.ts";
import type { Variant } from "#render/compile/compiler.ts";
import { missingTemplate } from "#render/compile/template-name.ts";
import { GLOBALS } from "#render/globals.ts";
import { HostFunction } from "#render/macro-function.ts";
import { markDecisions } from "#render/mark-decisions.ts";
import { findInPack } from "#render/pack-paths.ts";
import type { RenderInput } from "#render/render-pack.ts";
import { type Host, type RenderLimits, Run } from "#render/run.ts";
import { Tracer } from "#render/trace/tracer.ts";
import { secretFunction, type SecretRequirement } from "#render/secret-function.ts";
import { textOf } from "#render/values/text.ts";

/** What the templates of one render see: the decisions (closed up where marked), the pack's data and files, the functions. */
export class RenderWorld {
  readonly compiled: CompiledPack;
  readonly isStrict: boolean;
  readonly #input: RenderInput;
  readonly #secrets = new Map<string, SecretRequirement>();
  readonly #values = new Map<boolean, Readonly<Record<string, unknown>>>();
  readonly #tracers = new Map<boolean, Tracer>();
  #pointers: Map<object, string> | null = null;

  constructor(compiled: CompiledPack, input: RenderInput) {
    this.compiled = compiled;
    this.isStrict = input.mode !== "lenient";
    this.#input = input;
  }

  /** Sorted by file and name. */
  get secrets(): SecretRequirement[] {
    const keys = [...this.#secrets.keys()].toSorted();
    return keys.flatMap((key) => this.#secrets.get(key) ?? []);
  }

  dropSecretsOf(file: string): void {
    for (const [key, secret] of this.#secrets) if (secret.file === file) this.#secrets.delete(key);
  }

  /** The context of an output's templates (DESIGN 7). */
  values(output: PackOutput): Readonly<Record<string, unknown>> {
    const isSensitive = output.sensitive === true;
    const known = this.#values.get(isSensitive);
    if (known !== undefined) return known;
    const decisions = markDecisions(this.#input.decisions, this.#input.marks, isSensitive);
    const values = {
      ...decisions,
      config: decisions,
      data: this.compiled.pack.data,
      leger: { deployment_name: this.#input.deploymentName },
    };
    this.#values.set(isSensitive, values);
    return values;
  }

  variant(kind: { isUnit: boolean; isCollecting?: boolean; isTraced?: boolean }): Variant {
    return { ...STRICT, isCollecting: false, isTraced: false, ...kind, isStrict: this.isStrict };
  }

  run(variant: Variant, output: PackOutput, limits: RenderLimits): Run {
    return new Run(this.#host(variant, output), limits);
  }

  /** One tracer serves all outputs that see the same decisions. */
  tracer(output: PackOutput): Tracer {
    const isSensitive = output.sensitive === true;
    let tracer = this.#tracers.get(isSensitive);
    if (tracer === undefined) {
      tracer = new Tracer(this.values(output)["config"] as object);
      this.#tracers.set(isSensitive, tracer);
    }
    return tracer;
  }

  #host(variant: Variant, output: PackOutput): Host {
    const { compiled } = this;
    return {
      globals: this.#globals(output),
      find: (name, from) => (typeof name === "string" ? compiled.find(name, from, variant) : null),
      pointerOf: (value) => this.#pointerOf(value, output),
      isAutoescaped: false,
      throwOnUndefined: variant.isStrict,
      isJinja: compiled.isJinja,
    };
  }

  #globals(output: PackOutput): Readonly<Record<string, unknown>> {
    const { files } = this.compiled.pack;
    const readFile = new HostFunction(({ place }, args) => {
      const name = textOf(args[0]);
      const path = findInPack(files, name, place.template);
      if (path === null) throw missingTemplate(name, place);
      return files[path];
    });
    const secret = secretFunction((requirement) => {
      const { name, type, target } = requirement;
      this.#secrets.set([output.output, name, type, target].join("\0"), { ...requirement, file: output.output });
    });
    return { ...GLOBALS, readFile, secret };
  }

  #pointerOf(value: object, output: PackOutput): string | undefined {
    if (this.#pointers === null) {
      this.#pointers = new Map();
      notePointers(this.#pointers, this.values(output)["config"], "");
    }
    return this.#pointers.get(value);
  }
}

function notePointers(pointers: Map<object, string>, value: unknown, pointer: string): void {
  if (typeof value !== "object" || value === null) return;
  pointers.set(value, pointer);
  for (const [key, item] of Object.entries(value)) notePointers(pointers, item, `${pointer}/${pointerToken(key)}`);
}
