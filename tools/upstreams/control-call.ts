import type { z } from "zod";

/** A call whose schema takes `undefined` may be made without an input. */
type Call<S extends z.ZodType, R> = (...given: undefined extends z.input<S> ? [z.input<S>?] : [z.input<S>]) => R;

/** One call of the control surface: the same checks of its input in the process and over HTTP. */
export function call<S extends z.ZodType, R>(schema: S, run: (input: z.output<S>) => R): Call<S, R> {
  return (...given) => run(schema.parse(given[0]));
}
