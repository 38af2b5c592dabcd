import { isSilenced, placedFault } from "#render/compile/compiler.ts";
import type { Code, TextCode } from "#render/compile/program.ts";
import type { TemplatePlace } from "#render/fault.ts";
import type { Slots } from "#render/run.ts";
import type { Tracer } from "#render/trace/tracer.ts";
import { textOf } from "#render/values/text.ts";

/** A part of a traced body. Statements record their own spans. */
export type TracedPiece =
  | { readonly kind: "text"; readonly text: string; readonly place: TemplatePlace }
  | { readonly kind: "value"; readonly code: Code; readonly place: TemplatePlace }
  | { readonly kind: "statement"; readonly code: TextCode; readonly place: TemplatePlace };

/**
 * Runs the pieces in order and records a span for each; the text is the same as that of the plain variant. Recovering ones also
 * survive a fault, and note with it the decision that was read when it happened.
 */
export function tracedSequence(pieces: readonly TracedPiece[], options: { isRecovering: boolean }): TextCode {
  const run = options.isRecovering ? runRecovering : runPiece;
  return (slots) => {
    const { tracer } = slots[0].run;
    if (tracer === null) return "";
    let result = "";
    for (const piece of pieces) result += run(tracer, piece, slots);
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
    const fault = placedFault(error, piece.place);
    if (fault.endsRender) throw fault;
    const decision = tracer.suspect();
    tracer.backTo(before);
    run.depth = depth;
    if (!isSilenced(fault)) run.noteFault(fault.about(decision));
    return "";
  }
}

function runPiece(tracer: Tracer, piece: TracedPiece, slots: Slots): string {
  if (piece.kind === "statement") return piece.code(slots);
  if (piece.kind === "text") {
    if (piece.text !== "") tracer.addText(piece.place, piece.text);
    return piece.text;
  }
  const start = tracer.offset;
  const outer = tracer.startReading();
  const value = piece.code(slots);
  const origins = tracer.stopReading(outer);
  const text = typeof value === "string" ? value : textOf(value);
  tracer.addValue(piece.place, start, { text, origins });
  return text;
}
