import { unitText } from "#render/compile/unit-text.ts";
import type { Code, TextCode } from "#render/compile/program.ts";
import { read, Source } from "#render/compile/source.ts";
import type { Slots } from "#render/run.ts";
import { isPlainWord } from "#render/values/plain-word.ts";
import { printedText } from "#render/values/printed-text.ts";

/** What a step does with the value that it reads. */
type Action = "print" | "print in unit" | "choose" | "assign";

/** Statements in order: fixed text, then steps with the fixed text behind each. Like sources, bodies are data that one function runs. */
export type Body = { readonly head: string; readonly steps: readonly Step[] };
export const EMPTY_BODY: Body = { head: "", steps: [] };

type StepParts = {
  readonly action: Action;
  readonly source: Source;
  readonly body?: Body;
  readonly otherwise?: Body;
  readonly slot?: number;
};

export class Step {
  readonly action: Action;
  /** What is printed, asked or assigned. */
  readonly source: Source;
  /** Fixed text behind it. */
  text = "";
  readonly body: Body;
  readonly otherwise: Body;
  readonly slot: number;

  constructor(parts: StepParts) {
    this.action = parts.action;
    this.source = parts.source;
    this.body = parts.body ?? EMPTY_BODY;
    this.otherwise = parts.otherwise ?? EMPTY_BODY;
    this.slot = parts.slot ?? 0;
  }
}

/**
 * Concatenation beats joining arrays. A value and the text behind it go together, because short ones become one plain text at once.
 * Reading stands here once, for all kinds of steps: V8 makes what stands often in a function a call.
 */
export function runBody(body: Body, slots: Slots): string {
  let result = body.head;
  const { steps } = body;
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i] as Step;
    const value = read(step.source, slots);
    if (step.action === "print") {
      result += (typeof value === "string" ? value : printedText(slots[0].run, value)) + step.text;
    } else if (step.action === "print in unit") {
      result += (typeof value === "string" && isPlainWord(value) ? value : unitText(slots[0].run, value)) + step.text;
    } else if (step.action === "choose") {
      const chosen = value ? step.body : step.otherwise;
      result += (chosen.steps.length === 0 ? chosen.head : runBody(chosen, slots)) + step.text;
    } else {
      slots[step.slot] = value;
      result += step.text;
    }
  }
  return result;
}

/** A step that runs code: a statement's, or a printed value's. */
export const stepOf = (code: Code): Step => new Step({ action: "print", source: new Source({ kind: "code", code }) });

export const bodyOf = (code: TextCode): Body => ({ head: "", steps: [stepOf(code)] });

export const bodyCode =
  (body: Body): TextCode =>
  (slots) =>
    runBody(body, slots);

/** The code of one step alone. */
export function codeOfStep(step: Step): TextCode {
  const { action, source } = step;
  if (action === "print" && source.kind === "code") {
    const { code } = source;
    return (slots) => {
      const value = code(slots);
      return typeof value === "string" ? value : printedText(slots[0].run, value);
    };
  }
  return bodyCode({ head: "", steps: [step] });
}
