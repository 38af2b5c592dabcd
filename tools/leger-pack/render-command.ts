import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { type Finding, hasErrors } from "#core/finding.ts";
import { judgeUnits } from "#quadlet/judge-units.ts";
import { attributeFindings } from "#render/trace/attribute-findings.ts";
import type { RenderedPack } from "#render/render-pack.ts";
import { podmanVersion } from "./podman-version.ts";
import { printFindings } from "./print-findings.ts";
import { fromHere } from "./read-input.ts";
import { renderFolder } from "./render-folder.ts";

type Options = {
  config: string;
  out: string;
  name: string;
  podman: string;
  downLevel: boolean;
  lenient?: true;
  provenance?: true;
  json?: true;
};

export const renderCommand = (exit: (code: number) => void) =>
  new Command("render")
    .description("Render a pack for one configuration, as the service would, and check the units.")
    .argument("<pack>", "folder of the pack")
    .requiredOption("--config <file>", "config_data as JSON")
    .requiredOption("--out <folder>", "where the files go")
    .option("--name <name>", "the deployment's name", "preview")
    .option("--podman <version>", "the Podman that will run them", podmanVersion, "5.4")
    .option("--no-down-level", "refuse keys that are newer, where the service would write them as PodmanArgs=")
    .option("--lenient", "undefined values print nothing, as in stock Nunjucks (for comparison only)")
    .option("--provenance", "also write provenance.json: where each line comes from")
    .option("--json", "findings as JSON lines")
    .addHelpText("after", "\nExample: leger-pack render my-pack --config home.json --out /tmp/home --podman 5.8")
    .action((pack: string, options: Options) => exit(run(pack, options)));

function run(given: string, options: Options): number {
  const report = (findings: readonly Finding[]) => {
    if (options.json) for (const finding of findings) console.log(JSON.stringify(finding));
    else if (findings.length > 0) printFindings(findings);
  };
  const made = renderFolder(given, { ...options, provenance: true });
  if (!made.ok) {
    report(made.error);
    return 1;
  }
  const { rendered, warnings, pack } = made.value;
  const judged = judgeUnits(rendered.files, {
    podmanTarget: options.podman,
    downLevels: options.downLevel && pack.podman.down_level !== false,
  });
  const out = fromHere(options.out);
  mkdirSync(out, { recursive: true });
  for (const { filename, text } of judged.files) writeFileSync(path.join(out, filename), text);
  if (options.provenance) writeFileSync(path.join(out, "provenance.json"), provenanceJson(rendered));
  const { provenance } = rendered;
  const findings = [...warnings, ...(provenance ? attributeFindings(judged.findings, provenance) : judged.findings)];
  report(findings);
  const { length } = judged.files;
  const files = `${length} ${length === 1 ? "file" : "files"}`;
  const isRefused = hasErrors(findings);
  const note = isRefused ? ", to be looked at: the service would refuse this render" : "";
  if (!options.json) console.log(`${files} in ${options.out}${note}`);
  return isRefused ? 1 : 0;
}

function provenanceJson({ provenance }: RenderedPack): string {
  const files = (provenance?.filenames ?? []).map((filename) => [filename, provenance?.linesOf(filename)] as const);
  return `${JSON.stringify(Object.fromEntries(files), null, 1)}\n`;
}
