import type { z } from "zod";
import type { DecisionChange } from "../api/shapes.ts";

/** Decisions that differ, for a person; values that are secret or sensitive are never among what the server says. */
export const changeLines = (changes: readonly z.infer<typeof DecisionChange>[]): string[] =>
  changes.map(({ title, decision, before, after, masked }) =>
    masked ? `${title} (${decision}) changed` : `${title}: ${valueText(before)} -> ${valueText(after)}`,
  );

const valueText = (value: unknown) => (value === undefined ? "default" : JSON.stringify(value));
