/**
 * Gives every value a member that is not its own, and whose text nobody else writes. Imported before the engine, which looks at prototypes
 * when it is loaded: a template that can read it reads through a prototype.
 */
export const ESCAPED = "ESCAPED-FROM-THE-SANDBOX";
export const INHERITED = "inherited";

for (const { prototype } of [Object, Array, String, Number, Boolean, Function, RegExp, Map, Set])
  Object.defineProperty(prototype, INHERITED, {
    value: ESCAPED,
    enumerable: false,
    configurable: true,
    writable: true,
  });
