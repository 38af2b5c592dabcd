import type { z } from "zod";

/** One call of the control surface: the same checks of its input in the process and over HTTP. */
export function call<S extends z.ZodType, R>(schema: S, run: (input: z.output<S>) => R): (input: z.input<S>) => R {
  return (input) => run(schema.parse(input));
}
