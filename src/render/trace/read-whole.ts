import type { Compiled } from "#render/compile/compiler.ts";
import type { Slots } from "#render/run.ts";

/** The same expression, noting that everything in its value is read. Traced expressions are code and have no source. */
export function readWhole(compiled: Compiled): Compiled {
  const { code } = compiled;
  return {
    ...compiled,
    code: (slots: Slots) => {
      const value = code(slots);
      slots[0].run.tracer?.noteWhole(value);
      return value;
    },
  };
}

/** The same expression, noting which members its value has; members that are lists or mappings speak for themselves. */
export function readShape(compiled: Compiled): Compiled {
  const { code } = compiled;
  return {
    ...compiled,
    code: (slots: Slots) => {
      const value = code(slots);
      slots[0].run.tracer?.noteShape(value);
      return value;
    },
  };
}
