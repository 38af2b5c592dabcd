import { styleText } from "node:util";
import { Command } from "commander";
import { type PackAnalysis, analyzePack } from "#render/analyze-pack.ts";
import { compilePack } from "#render/compile-pack.ts";
import { lintPack } from "#render/lint-pack.ts";
import { printFindings } from "./print-findings.ts";
import { readPackFolder } from "./pack-folder.ts";

export const analyzeCommand = (exit: (code: number) => void) =>
  new Command("analyze")
    .description(
      "Read a pack without rendering it: variables, unused decisions, dead branches, slips that Nunjucks swallows.",
    )
    .argument("<pack>", "folder of the pack")
    .option("--json", "variables, references and findings as JSON")
    .action((folder: string, options: { json?: true }) => exit(run(folder, options)));

function run(folder: string, { json }: { json?: true }): number {
  const pack = readPackFolder(folder);
  const compiled = pack.ok ? compilePack(pack.value) : pack;
  if (!compiled.ok) {
    if (json) console.log(JSON.stringify({ findings: compiled.error }, null, 2));
    else printFindings(compiled.error);
    return 1;
  }
  const analysis = analyzePack(compiled.value);
  const findings = [...analysis.findings, ...lintPack(compiled.value)];
  if (json) console.log(JSON.stringify({ ...analysis, findings }, null, 2));
  else {
    printVariables(analysis);
    printFindings(findings);
  }
  return findings.length > 0 ? 1 : 0;
}

function printVariables({ variables, references }: PackAnalysis): void {
  for (const [template, names] of Object.entries(variables)) {
    console.log(styleText("bold", template));
    for (const { kind, to, line } of references.filter(({ from }) => from === template))
      console.log(`  ${styleText("dim", `line ${line}`)} ${kind} ${to ?? "a computed name"}`);
    if (names.length > 0) console.log(`  ${names.join(", ")}`);
  }
  console.log();
}
