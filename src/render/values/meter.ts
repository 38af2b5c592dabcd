/** Who pays: a run. */
export type Payer = { charge(steps: number): void };

/**
 * Operators, conversions and keys are at home everywhere and know no run, but take long where their values are long. Rendering never
 * waits for anything, so that there is one run at work at a time; outside of a render (literals, when a template is compiled) nobody pays.
 */
let payer: Payer | null = null;

/** From here on `next` pays. Says who paid before, and should afterwards: renders may nest. */
export function payWith(next: Payer | null): Payer | null {
  const before = payer;
  payer = next;
  return before;
}

export const charge = (steps: number): void => payer?.charge(steps);

/** From how many characters on a text is long: to build, compare or look up a shorter one is part of the step that does it. */
export const LONG_TEXT_CHARS = 256;

/** One step for 128 characters: they are copied, compared or hashed. */
export const stepsOfText = (chars: number): number => chars >>> 7;

export const isLongText = (value: unknown): value is string =>
  typeof value === "string" && value.length >= LONG_TEXT_CHARS;
