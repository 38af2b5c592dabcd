import { readFileSync } from "node:fs";
import { type EngineOutcome, runEngine } from "./engine/run-engine.ts";

/**
 * `npm run conformance -- FILE [--strict] [--verbose]`: runs vectors (template, context, options -> text or error) through the engine.
 * Strict: equal, or refused for an undefined value. Exit 1 when one is different. The last line is JSON.
 */
type Vector = {
  readonly template: string;
  readonly context: Record<string, unknown>;
  readonly options: { autoescape: boolean; throwOnUndefined: boolean; trimBlocks: boolean; lstripBlocks: boolean };
  readonly expected?: string;
  readonly error?: string;
  readonly jinja?: boolean;
};
type VectorFile = { readonly files: Record<string, string>; readonly vectors: readonly Vector[] };

/** Differences that are meant, by the template they show in; docs/design/engine.md explains each. */
const DOCUMENTED: readonly { readonly pattern: RegExp; readonly why: string }[] = [];

type Verdict = "equal" | "documented" | "different";

function judge(vector: Vector, outcome: EngineOutcome, isStrict: boolean): Verdict {
  if ("text" in outcome && vector.expected === outcome.text) return "equal";
  if ("error" in outcome && vector.error !== undefined) return "equal";
  if (isStrict && "error" in outcome && outcome.code === "undefined") return "equal";
  return DOCUMENTED.some(({ pattern }) => pattern.test(vector.template)) ? "documented" : "different";
}

function main(): void {
  const [path, ...flags] = process.argv.slice(2);
  if (path === undefined) {
    console.error("usage: npm run conformance -- FILE [--strict] [--verbose]");
    process.exit(2);
  }
  const isStrict = flags.includes("--strict");
  const { files, vectors } = JSON.parse(readFileSync(path, "utf8")) as VectorFile;
  const counts = { vectors: vectors.length, equal: 0, documented: 0, different: 0 };
  for (const vector of vectors) {
    const outcome = runEngine({
      template: vector.template,
      files,
      context: vector.context,
      isStrict,
      isJinja: vector.jinja ?? false,
      isAutoescaped: vector.options.autoescape,
      throwOnUndefined: vector.options.throwOnUndefined,
      trimBlocks: vector.options.trimBlocks,
      lstripBlocks: vector.options.lstripBlocks,
    });
    const verdict = judge(vector, outcome, isStrict);
    counts[verdict]++;
    if (verdict === "equal" || (verdict === "documented" && !flags.includes("--verbose"))) continue;
    console.log(`${verdict}: ${JSON.stringify(vector.template)} ${JSON.stringify(vector.context)}`);
    console.log(`  expected ${JSON.stringify(vector.expected ?? `error: ${vector.error}`)}`);
    console.log(`  got      ${JSON.stringify("text" in outcome ? outcome.text : `error: ${outcome.error}`)}`);
  }
  console.log(JSON.stringify(counts));
  process.exitCode = counts.different > 0 ? 1 : 0;
}

main();
