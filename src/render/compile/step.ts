import { unitText } from "#render/compile/unit-text.ts";
import type { Code, TextCode } from "#render/compile/program.ts";
import { Source } from "#render/compile/source.ts";
import type { Slots } from "#render/run.ts";
import { isPlainWord } from "#render/values/plain-word.ts";
import { printedText } from "#render/values/printed-text.ts";

/** What a step does with the value that it reads; numbers for the same reason as in source.ts. */
const PRINT = 0;
const PRINT_IN_UNIT = 1;
const CHOOSE = 2;
const ASSIGN = 3;
const ACTIONS = { print: PRINT, "print in unit": PRINT_IN_UNIT, choose: CHOOSE, assign: ASSIGN };

/** Statements in order: fixed text, then steps with the fixed text behind each. Like sources, bodies are data that one function runs. */
export class Body {
  declare readonly head: string;
  declare readonly steps: readonly Step[];

  constructor(head: string, steps: readonly Step[]) {
    this.head = head;
    this.steps = steps;
  }

  /**
   * Concatenation beats joining arrays. A value and the text behind it go together, because short ones become one plain text at once.
   * Reading stands here once, for all kinds of steps: V8 makes what stands often in a function a call.
   */
  run(slots: Slots): string {
    let result = this.head;
    const { steps } = this;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step;
      const { site } = step.source;
      const value = site === null ? step.source.read(slots) : site.value(slots);
      const { action } = step;
      if (action === PRINT) {
        result += (typeof value === "string" ? value : printedText(slots[0].run, value)) + step.text;
      } else if (action === PRINT_IN_UNIT) {
        result += (typeof value === "string" && isPlainWord(value) ? value : unitText(slots[0].run, value)) + step.text;
      } else if (action === CHOOSE) {
        const chosen = value ? step.body : step.otherwise;
        result += (chosen.steps.length === 0 ? chosen.head : chosen.run(slots)) + step.text;
      } else {
        slots[step.slot] = value;
        result += step.text;
      }
    }
    return result;
  }
}
export const EMPTY_BODY = new Body("", []);

type StepParts = {
  readonly action: keyof typeof ACTIONS;
  readonly source: Source;
  readonly body?: Body;
  readonly otherwise?: Body;
  readonly slot?: number;
};

export class Step {
  /** What is printed, asked or assigned. */
  declare readonly source: Source;
  declare readonly action: number;
  /** Fixed text behind it. */
  text = "";
  declare readonly body: Body;
  declare readonly otherwise: Body;
  declare readonly slot: number;

  constructor(parts: StepParts) {
    this.source = parts.source;
    this.action = ACTIONS[parts.action];
    this.body = parts.body ?? EMPTY_BODY;
    this.otherwise = parts.otherwise ?? EMPTY_BODY;
    this.slot = parts.slot ?? 0;
  }
}

/** A step that runs code: a statement's, or a printed value's. */
export const stepOf = (code: Code): Step => new Step({ action: "print", source: new Source({ kind: "code", code }) });

export const bodyOf = (code: TextCode): Body => new Body("", [stepOf(code)]);

export const bodyCode =
  (body: Body): TextCode =>
  (slots) =>
    body.run(slots);

/** The code of one step alone. */
export function codeOfStep(step: Step): TextCode {
  const { code } = step.source;
  if (step.action === PRINT && code !== null) {
    return (slots) => {
      const value = code(slots);
      return typeof value === "string" ? value : printedText(slots[0].run, value);
    };
  }
  return bodyCode(new Body("", [step]));
}
