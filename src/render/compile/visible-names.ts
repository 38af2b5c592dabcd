import { loopObjectSlot, type Scope, type Variable } from "#render/compile/scope.ts";
import type { Names } from "#render/run.ts";

/**
 * Every name visible at a place of a template, with its slots, for templates and blocks that run with a view of this place. What is
 * bound behind it hides nothing here: the moment tells when the place was compiled. Looked up when asked, because a copy for each of a thousand includes
 * among a thousand variables would fill the memory.
 */
export class VisibleNames implements Names {
  readonly #scope: Scope;
  readonly #moment: number;

  constructor(scope: Scope) {
    this.#scope = scope;
    this.#moment = scope.compiler.moment++;
    // An object of its own is made only for a `loop` that somebody may see. Slots are given out while a template is compiled.
    for (let at: Scope | null = scope; at !== null; at = at.parent) {
      const loop = at.variables.get("loop")?.loop;
      if (loop !== undefined && loop !== null) loopObjectSlot(at.unit, loop);
    }
  }

  get(name: string): readonly number[] | undefined {
    let found: readonly number[] | undefined;
    for (let at: Scope | null = this.#scope; at !== null; at = at.parent) {
      const variable = at.variables.get(name);
      if (variable === undefined) continue;
      const slots = slotsOf(variable);
      found = found === undefined ? slots : [...found, ...slots];
      if (variable.boundSince <= this.#moment) break;
    }
    return found;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  *keys(): Iterable<string> {
    for (let at: Scope | null = this.#scope; at !== null; at = at.parent) {
      yield* at.variables.keys();
    }
  }

  /** The slots that are variables already: what nothing before has set is the context's, although it has a slot. */
  variablesOf(name: string): readonly number[] {
    const slots = this.get(name) ?? [];
    const { unit } = this.#scope;
    const own = unit.scope.variables.get(name);
    const isAssigned = (unit.assigned.get(name) ?? Infinity) <= this.#moment;
    return own === undefined || isAssigned ? slots : slots.filter((slot) => slot !== own.slot);
  }
}

function slotsOf({ loop, slots }: Variable): readonly number[] {
  if (loop === null) return slots;
  return loop.objectSlot === null ? [] : [loop.objectSlot];
}
