import type { Loop } from "#render/compile/for.ts";
import type { TextCode } from "#render/compile/program.ts";
import { bodyOf } from "#render/compile/step.ts";
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
    const list = tracer.reading(() => loop.list.read(slots));
    const rounds = loop.roundsOf(slots[0].run, list.value);
    const body = rounds.length === 0 ? loop.otherwise : bodyOf(() => runRounds(tracer, loop, { slots, rounds, list }));
    const origins = joinOrigins(list.origins, tracer.originsOfLoop(list.value, loop.isUnpacking));
    return runChoice(tracer, slots, { choice, origins, body });
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
    const parts = rounds.parts(i);
    for (const [index, slot] of loop.targets.entries()) {
      const part = parts[index];
      if (part === undefined) break;
      slots[slot] = part.value;
      traced[slot] = tracer.originsOfItem(part.container, part.key, { item: part.value, list: list.origins });
    }
    text += loop.body.run(slots);
  }
  loop.end(slots, text);
  return text;
}
