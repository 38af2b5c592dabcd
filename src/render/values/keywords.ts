/**
 * The keyword arguments of a call: `f(a, b=1)` passes them as one last argument, as Nunjucks does. A class of its own, so that
 * data can never pass for keyword arguments.
 */
export class Keywords {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }
  has(name: string): boolean {
    return Object.hasOwn(this.#values, name);
  }
  get(name: string): unknown {
    return this.has(name) ? this.#values[name] : undefined;
  }
}

/** Arguments by position, of a function whose parameters may also be named. */
export function bindKeywords(args: readonly unknown[], names: readonly string[]): unknown[] {
  const last = args.at(-1);
  if (!(last instanceof Keywords)) return [...args];
  const positional = args.slice(0, -1);
  return names.map((name, index) => (index < positional.length ? positional[index] : last.get(name)));
}
