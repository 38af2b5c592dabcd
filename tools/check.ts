import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { styleText } from "node:util";

/**
 * Everything that must hold, in the order in which it is cheapest to learn that it does not. `npm test` runs all of it,
 * `npm run check` (--fast) what needs no runtime. Counts tests and checks. At the end it names once more what failed, a line each,
 * because a log may be cut at its beginning; the last line is `N passed, N failed`.
 * A test that needs a program from the distribution is `not run` where that is missing; in CI that is a failure.
 */
const ROOT = path.join(import.meta.dirname, "..");
const isFast = process.argv.includes("--fast");
const isCi = process.env["CI"] === "true";

type Count = { passed: number; failed: number; notRun: number; failures: string[] };
type Check = { name: string; command: string[] };

const CHECKS: Check[] = [
  { name: "types of the worker", command: ["tsc", "-p", "tsconfig.json"] },
  { name: "types of the tools", command: ["tsc", "-p", "tsconfig.node.json"] },
  { name: "lint and import directions", command: ["oxlint", "--type-aware"] },
  { name: "format", command: ["oxfmt", "--check"] },
  { name: "generated documents", command: ["node", "tools/docs/docs.ts", "--check"] },
];
/** They wait more than they work (for child processes, for the runtime): lanes side by side take half the time. */
const LANES: Check[][] = [
  [
    { name: "tools and engine, in Node", command: ["vitest", "run", "-c", "vitest.node.config.ts"] },
    { name: "the built worker", command: ["vitest", "run", "-c", "vitest.prod.config.ts"] },
  ],
  [{ name: "behaviour, in workerd", command: ["vitest", "run"] }],
];

async function main(): Promise<void> {
  const startedAt = Date.now();
  await generateTypes();
  const total: Count = { passed: 0, failed: 0, notRun: 0, failures: [] };
  const counts: Count[] = [];
  for (const check of CHECKS) counts.push(await runCheck(check));
  if (!isFast) counts.push(...(await Promise.all(LANES.map(runLane))).flat());
  for (const count of counts) {
    total.passed += count.passed;
    total.failed += count.failed;
    total.notRun += count.notRun;
    total.failures.push(...count.failures);
  }
  if (total.notRun > 0) {
    console.log(`${total.notRun} not run: they need a program that is not here (.ci/run installs it)`);
    if (isCi) total.failed += total.notRun;
  }
  console.log(`in ${Math.round((Date.now() - startedAt) / 1000)} s`);
  for (const failure of total.failures) console.log(`failed: ${failure}`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  // Not `process.exit`: what a suite said may be megabytes, which a pipe takes in only after this function has ended.
  process.exitCode = total.failed > 0 ? 1 : 0;
}

/** `wrangler types` writes 600 KB, which are not committed: made when wrangler.toml is newer. */
async function generateTypes(): Promise<void> {
  const types = path.join(ROOT, "worker-configuration.d.ts");
  if (existsSync(types) && statSync(types).mtimeMs > statSync(path.join(ROOT, "wrangler.toml")).mtimeMs) return;
  const { code, output } = await run(["wrangler", "types"]);
  if (code !== 0) throw new Error(`wrangler types failed:\n${output}`);
  // It also says that every process has the worker's variables, which holds for no tool.
  const text = readFileSync(types, "utf8");
  writeFileSync(types, text.replace(/^declare namespace NodeJS \{\n[^]*?^\}\n/m, ""));
}

async function runCheck({ name, command }: Check): Promise<Count> {
  const startedAt = Date.now();
  const { code, output } = await run(command);
  report({ name, isGood: code === 0, startedAt });
  if (code !== 0) console.log(output.trimEnd());
  const isGood = code === 0;
  return { passed: Number(isGood), failed: Number(!isGood), notRun: 0, failures: isGood ? [] : [name] };
}

async function runLane(suites: readonly Check[]): Promise<Count[]> {
  const counts: Count[] = [];
  for (const suite of suites) counts.push(await runSuite(suite));
  return counts;
}

type VitestReport = {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: {
    name: string;
    status: "passed" | "failed";
    message: string;
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[];
  }[];
};

async function runSuite({ name, command }: Check): Promise<Count> {
  const startedAt = Date.now();
  const folder = mkdtempSync(path.join(os.tmpdir(), "leger-check-"));
  const file = path.join(folder, "report.json");
  const { code, output } = await run([...command, "--reporter=dot", "--reporter=json", `--outputFile=${file}`]);
  const found = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as VitestReport) : null;
  rmSync(folder, { recursive: true, force: true });
  // A file that cannot even be loaded has no failed test in it, and a run without a report has none at all.
  const count = {
    passed: found?.numPassedTests ?? 0,
    failed: Math.max(found?.numFailedTests ?? 1, Number(code !== 0)),
    notRun: (found?.numPendingTests ?? 0) + (found?.numTodoTests ?? 0),
    failures: code === 0 ? [] : failuresOf(name, found),
  };
  report({
    name,
    isGood: code === 0,
    startedAt,
    detail: `${count.passed} passed, ${count.failed} failed${count.notRun > 0 ? `, ${count.notRun} not run` : ""}`,
  });
  if (code !== 0) console.log(output.trimEnd());
  return count;
}

/** A line each: the file, the test, what it said first. A file that cannot be loaded says why itself. */
function failuresOf(suite: string, found: VitestReport | null): string[] {
  const failures = (found?.testResults ?? []).flatMap(({ name, status, message, assertionResults }) => {
    const file = path.relative(ROOT, name);
    const failed = assertionResults.filter((test) => test.status === "failed");
    if (failed.length === 0) return status === "failed" ? [`${file}: ${firstLine(message)}`] : [];
    return failed.map((test) => `${file}: ${test.fullName}: ${firstLine(test.failureMessages[0])}`);
  });
  return failures.length > 0 ? failures : [`${suite}: ended with an error of its own (above)`];
}

const firstLine = (text: string | undefined): string => (text ?? "").trim().split("\n", 1)[0] ?? "";

type Report = { name: string; isGood: boolean; startedAt: number; detail?: string };

function report({ name, isGood, startedAt, detail }: Report): void {
  const mark = isGood ? styleText("green", "✓") : styleText("red", "✗");
  console.log(
    `${mark} ${name}${detail === undefined ? "" : `: ${detail}`} ${styleText("dim", `(${((Date.now() - startedAt) / 1000).toFixed(1)} s)`)}`,
  );
}

function run([program = "", ...args]: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", FORCE_COLOR: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const pieces: Buffer[] = [];
  child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
  child.stderr.on("data", (piece: Buffer) => pieces.push(piece));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output: Buffer.concat(pieces).toString("utf8") }));
  });
}

await main();
