import fc from "fast-check";
import { expect, inject, test } from "vitest";
import { SMALL_PACK } from "../fixture-packs.ts";
import { world } from "../world.ts";
import { sequences } from "./commands.ts";
import { ModelRun } from "./model-run.ts";

// `npm run model -- --sequences N` gives the numbers; a plain test run does a few sequences.
const { count, seed } = inject("model");

test(
  "three tenants, any order, any race: no lost update, no gap, no step back, nothing of another tenant",
  { timeout: 24 * 3600 * 1000 },
  async () => {
    const w = world();
    const { slug } = await w.admit(SMALL_PACK);
    let runs = 0;
    let commands = 0;
    const result = await fc.check(
      fc.asyncProperty(sequences, async (sequence) => {
        const run = new ModelRun(w, slug);
        try {
          await run.run(sequence);
        } finally {
          runs += 1;
          commands += run.commands;
        }
      }),
      { numRuns: count, seed, endOnFailure: false },
    );
    if (result.failed) console.log(fc.defaultReportMessage(result), String(result.errorInstance));
    console.log(JSON.stringify({ sequences: runs, commands, violations: Number(result.failed) }));
    expect(result.failed).toBe(false);
  },
);
