import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { prepareDecisions } from "#core/decisions.ts";
import { type Finding, hasErrors } from "#core/finding.ts";
import { checkUnits } from "#quadlet/check-units.ts";
import { compilePack } from "#render/compile-pack.ts";
import { renderPack } from "#render/render-pack.ts";
import { printFindings } from "./print-findings.ts";
import { fromHere, readConfig, readPackFolder } from "./read-input.ts";

type Options = { config: string; out: string; name: string; podman: string; lenient?: true; json?: true };

export const renderCommand = (exit: (code: number) => void) =>
  new Command("render")
    .description("Render a pack for one configuration, as the service would, and check the units.")
    .argument("<pack>", "folder of the pack")
    .requiredOption("--config <file>", "config_data as JSON")
    .requiredOption("--out <folder>", "where the files go")
    .option("--name <name>", "the deployment's name", "preview")
    .option("--podman <version>", "the Podman that will run them", "5.4")
    .option("--lenient", "undefined values print nothing, as in stock Nunjucks (for comparison only)")
    .option("--json", "findings as JSON lines")
    .action((pack: string, options: Options) => exit(run(pack, options)));

function run(folder: string, options: Options): number {
  const report = (findings: readonly Finding[]) => {
    if (options.json) for (const finding of findings) console.log(JSON.stringify(finding));
    else if (findings.length > 0) printFindings(findings);
  };
  const fail = (findings: readonly Finding[]) => {
    report(findings);
    return 1;
  };
  const config = readConfig(options.config);
  const pack = readPackFolder(folder);
  if (!pack.ok) return fail(pack.error);
  const compiled = compilePack(pack.value);
  if (!compiled.ok) return fail(compiled.error);
  const prepared = prepareDecisions(pack.value.schema, config);
  if (!prepared.ok) return fail(prepared.error);
  const { effective: decisions, marks, warnings } = prepared.value;
  const mode = options.lenient ? "lenient" : "strict";
  const rendered = renderPack(compiled.value, { decisions, deploymentName: options.name, marks, mode });
  if (!rendered.ok) return fail(rendered.error);

  const out = fromHere(options.out);
  mkdirSync(out, { recursive: true });
  for (const { filename, text } of rendered.value.files) writeFileSync(path.join(out, filename), text);
  const findings = [...warnings, ...checkUnits(rendered.value.files, { podmanTarget: options.podman })];
  report(findings);
  if (!options.json) console.log(`${rendered.value.files.length} files in ${out}`);
  return hasErrors(findings) ? 1 : 0;
}
