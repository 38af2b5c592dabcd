import type { z } from "zod";
import { SchemaCompatibility, SchemaMatrix } from "#api/schemas/contract.ts";

/** As stored (JSON), with the reasons of its level in words. */
export function compatibilityView(text: string | null) {
  if (text === null) return null;
  const judged = SchemaCompatibility.omit({ reasons: true }).parse(JSON.parse(text));
  const { changes, deserved, risks, inputs, renders } = judged;
  const reasons = [
    ...changes.filter(({ level }) => level === deserved).map(({ message }) => message),
    ...risks,
    ...inputs.map(({ message }) => message),
    ...(renders.refused > 0
      ? [`${renders.refused} of ${renders.rows} tried configurations do not render any more.`]
      : []),
  ];
  return { ...judged, reasons };
}

export const matrixView = (text: string | null): z.infer<typeof SchemaMatrix> | null =>
  text === null ? null : SchemaMatrix.parse(JSON.parse(text));
