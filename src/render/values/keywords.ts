import type { Origins } from "#render/trace/origin.ts";

type Named = Readonly<Record<string, unknown>>;

/**
 * The keyword arguments of a call: `f(a, b=1)` passes them as one last argument, as Nunjucks does. A class of its own, so that
 * data can never pass for keyword arguments.
 */
export class Keywords {
  readonly #values: Named;
  readonly #origins: Readonly<Record<string, Origins>>;

  constructor(values: Named, origins: Readonly<Record<string, Origins>> = {}) {
    this.#values = values;
    this.#origins = origins;
  }
  has(name: string): boolean {
    return Object.hasOwn(this.#values, name);
  }
  get(name: string): unknown {
    return this.has(name) ? this.#values[name] : undefined;
  }
  /** Where the value comes from, in traced runs. */
  originsOf(name: string): Origins | undefined {
    return this.#origins[name];
  }
  get all(): Named {
    return this.#values;
  }
}

/** Arguments by position, of a function whose parameters may also be named. */
export function bindKeywords(args: readonly unknown[], names: readonly string[]): readonly unknown[] {
  const last = args[args.length - 1];
  if (!(last instanceof Keywords)) return args;
  const positional = args.slice(0, -1);
  return names.map((name, index) => (index < positional.length ? positional[index] : last.get(name)));
}
