import type { Loop } from "#render/compile/for.ts";
import type { TextCode } from "#render/compile/program.ts";
import type { Slots } from "#render/run.ts";
import { joinOrigins, type Origins } from "#render/trace/origin.ts";
import { type Choice, runChoice } from "#render/trace/trace-statement.ts";
import type { Tracer } from "#render/trace/tracer.ts";

/**
 * A loop that records, for each round, where its variables come from. Which items there are decides how often the body runs, so the
 * looped value is a condition of all that it puts out.
 */
export function tracedFor(loop: Loop, choice: Choice): TextCode {
  return (slots) => {
    const { tracer } = slots[0].run;
    if (tracer === null) return "";
    const list = tracer.reading(() => loop.list(slots));
    const shape = tracer.reading(() => tracer.noteShape(list.value));
    const rounds = loop.roundsOf(list.value);
    const body: TextCode =
      rounds.length === 0 ? loop.otherwise : () => runRounds(tracer, loop, { slots, rounds, list });
    return runChoice(tracer, slots, { choice, origins: joinOrigins(list.origins, shape.origins), body });
  };
}

type Rounds = {
  readonly slots: Slots;
  readonly rounds: ReturnType<Loop["roundsOf"]>;
  readonly list: { readonly value: unknown; readonly origins: Origins };
};

function runRounds(tracer: Tracer, loop: Loop, { slots, rounds, list }: Rounds): string {
  const traced = slots[0].origins ?? [];
  loop.begin(slots, rounds.length);
  let text = "";
  for (let i = 0; i < rounds.length; i++) {
    loop.startRound(slots, i, rounds.length);
    rounds.parts(i).forEach(({ container, key, value }, index) => {
      const slot = loop.targets[index];
      if (slot === undefined) return;
      slots[slot] = value;
      traced[slot] = tracer.originsOfItem(container, key, { item: value, list: list.origins });
    });
    text += loop.body(slots);
  }
  loop.end(slots, text);
  return text;
}
