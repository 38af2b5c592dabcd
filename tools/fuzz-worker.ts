import { parseArgs } from "node:util";
import { fuzzWorker } from "./worker-fuzz/fuzz-worker.ts";

/**
 * `npm run fuzz:worker -- --count N [--seed S]`: generated templates and hostile values in the engine as a built worker has it, where code
 * from strings is forbidden. Exit 1 for an escape, a hang or a crash of the worker. The last line is JSON:
 * {"cases","rendered","refused","escapes","hangs","crashes"}, with renders counted three to a template and two or more templates to a case.
 */
const { values } = parseArgs({
  options: { count: { type: "string", default: "2000" }, seed: { type: "string", default: "1" } },
});
process.env["WRANGLER_WRITE_LOGS"] = "false"; // it would say behind the last line where its log is
const counts = await fuzzWorker({ count: Number(values.count), seed: Number(values.seed) }, (problem) =>
  console.log(problem),
);
console.log(JSON.stringify(counts));
process.exitCode = counts.escapes + counts.hangs + counts.crashes > 0 ? 1 : 0;
