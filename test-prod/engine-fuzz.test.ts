import { expect, test } from "vitest";
import { fuzzWorker } from "../tools/worker-fuzz/fuzz-worker.ts";

// The long form is `npm run fuzz:worker -- --count N`.
test("no template and no value escapes, hangs or ends the built worker", async () => {
  const problems: string[] = [];
  const counts = await fuzzWorker({ count: 200, seed: 1 }, (problem) => problems.push(problem));
  expect(problems).toEqual([]);
  expect(counts).toMatchObject({ cases: 200, escapes: 0, hangs: 0, crashes: 0 });
  expect(Math.min(counts.rendered, counts.refused)).toBeGreaterThan(500); // neither everything nor nothing is refused
});
