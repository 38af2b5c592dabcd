import { spawn } from "node:child_process";
import path from "node:path";
import { parseArgs } from "node:util";

/**
 * `npm run model -- --sequences N [--seed S]`: the model-based test over the HTTP API, on real bindings in workerd. The last
 * line is `{"sequences","commands","violations"}`.
 */
const { values } = parseArgs({
  options: {
    sequences: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
  },
});
const sequences = Number(values.sequences);
const seed = Number(values.seed);
if (!Number.isInteger(sequences) || sequences < 1 || !Number.isInteger(seed)) {
  console.error("Usage: npm run model -- --sequences N [--seed S], whole numbers.");
  process.exit(2);
}
console.log(`${sequences} sequences, seed ${seed}`);
const child = spawn("vitest", ["run", "test/model"], {
  cwd: path.join(import.meta.dirname, ".."),
  env: { ...process.env, MODEL_SEQUENCES: String(sequences), MODEL_SEED: String(seed) },
  stdio: ["ignore", "pipe", "inherit"],
});
const pieces: Buffer[] = [];
child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
child.once("close", (code) => {
  const output = Buffer.concat(pieces).toString("utf8");
  const result = /^.*(\{"sequences":.*\})\s*$/m.exec(output)?.[1];
  if (code !== 0 || result === undefined) console.log(output.trimEnd());
  console.log(result ?? JSON.stringify({ sequences: 0, commands: 0, violations: 1 }));
  process.exit(code ?? 1);
});
