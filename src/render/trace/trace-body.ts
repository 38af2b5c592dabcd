import { isSilenced, placedFault } from "#render/compile/compiler.ts";
import type { Code, TextCode } from "#render/compile/program.ts";
import type { TemplatePlace } from "#render/fault.ts";
import type { Slots } from "#render/run.ts";
import type { SpanMark } from "#render/trace/spans.ts";
import type { Tracer } from "#render/trace/tracer.ts";
import { printedText } from "#render/values/printed-text.ts";

const noValue: Code = () => "";

/** A part of a traced body. Statements record their own spans. */
export class TracedPiece {
  readonly kind: "text" | "value" | "statement";
  readonly text: string;
  readonly code: Code;
  readonly mark: SpanMark;

  constructor(kind: "text" | "value" | "statement", made: { text?: string; code?: Code; place: TemplatePlace }) {
    this.kind = kind;
    this.text = made.text ?? "";
    this.code = made.code ?? noValue;
    this.mark = { kind: kind === "text" ? "text" : "value", place: made.place, isLinewise: false };
  }
}

/**
 * Runs the pieces in order and records a span for each; the text is the same as that of the plain variant. Recovering ones also
 * survive a fault, and note with it the decision that was read when it happened.
 */
export function tracedSequence(pieces: readonly TracedPiece[], options: { isRecovering: boolean }): TextCode {
  const { isRecovering } = options;
  return (slots) => {
    const { tracer } = slots[0].run;
    if (tracer === null) return "";
    let result = "";
    for (const piece of pieces)
      result += isRecovering ? runRecovering(tracer, piece, slots) : runPiece(tracer, piece, slots);
    return result;
  };
}

function runRecovering(tracer: Tracer, piece: TracedPiece, slots: Slots): string {
  const { run } = slots[0];
  const { depth } = run;
  const before = tracer.mark();
  try {
    return runPiece(tracer, piece, slots);
  } catch (error) {
    const fault = placedFault(error, piece.mark.place);
    if (fault.endsRender) throw fault;
    const decision = tracer.suspect();
    tracer.backTo(before);
    run.depth = depth;
    if (!isSilenced(fault)) run.noteFault(fault.about(decision));
    return "";
  }
}

function runPiece(tracer: Tracer, { kind, text, code, mark }: TracedPiece, slots: Slots): string {
  if (kind === "text") {
    if (text !== "") tracer.addText(mark, text);
    return text;
  }
  if (kind === "statement") return String(code(slots));
  const start = tracer.offset;
  const outer = tracer.startReading();
  const value = code(slots);
  const origins = tracer.stopReading(outer);
  const printed = typeof value === "string" ? value : printedText(slots[0].run, value);
  tracer.addValue(mark, { start, end: start + printed.length }, origins);
  return printed;
}
