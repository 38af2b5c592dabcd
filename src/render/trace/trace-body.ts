import type { Code, TextCode } from "#render/compile/program.ts";
import type { TemplatePlace } from "#render/fault.ts";
import type { Slots } from "#render/run.ts";
import type { Tracer } from "#render/trace/tracer.ts";
import { textOf } from "#render/values/text.ts";

/** A part of a traced body. Statements record their own spans. */
export type TracedPiece =
  | { readonly kind: "text"; readonly text: string; readonly place: TemplatePlace }
  | { readonly kind: "value"; readonly code: Code; readonly place: TemplatePlace }
  | { readonly kind: "statement"; readonly code: TextCode };

/** Runs the pieces in order and records a span for each; the text is the same as that of the plain variant. */
export function tracedSequence(pieces: readonly TracedPiece[]): TextCode {
  return (slots) => {
    const { tracer } = slots[0].run;
    if (tracer === null) return "";
    let result = "";
    for (const piece of pieces) result += runPiece(tracer, piece, slots);
    return result;
  };
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
