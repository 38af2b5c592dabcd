import { styleText } from "node:util";
import { Command } from "commander";
import { printFindings } from "./print-findings.ts";
import { renderFolder } from "./render-folder.ts";
import { usageError } from "./usage-error.ts";

type Options = { config: string; name: string; json?: true };

export const explainCommand = (exit: (code: number) => void) =>
  new Command("explain")
    .description("Say where one line of a rendered file comes from: template, decisions, conditions.")
    .argument("<pack>", "folder of the pack")
    .argument("<output:line>", "for example openwebui.container:12")
    .requiredOption("--config <file>", "config_data as JSON")
    .option("--name <name>", "the deployment's name", "preview")
    .option("--json", "as JSON")
    .action((pack: string, place: string, options: Options) => exit(run(pack, place, options)));

function run(folder: string, place: string, options: Options): number {
  const match = /^(.+):([1-9]\d*)$/.exec(place);
  if (!match) throw usageError(`${place} is no OUTPUT:LINE`);
  const [, filename = "", number = ""] = match;
  const made = renderFolder(folder, { ...options, provenance: true });
  if (!made.ok) {
    if (options.json) for (const finding of made.error) console.log(JSON.stringify(finding));
    else printFindings(made.error);
    return 1;
  }
  const { rendered, pack } = made.value;
  const text = rendered.files.find((file) => file.filename === filename)?.text.split("\n")[Number(number) - 1];
  const origin = rendered.provenance?.linesOf(filename)[Number(number) - 1];
  if (text === undefined || !origin)
    throw usageError(`${place} is not there; the render has ${rendered.files.map((file) => file.filename).join(", ")}`);
  if (options.json) {
    console.log(JSON.stringify({ file: filename, line: Number(number), text, ...origin }, null, 2));
    return 0;
  }
  console.log(`${styleText("dim", `${filename}:${number}`)} ${text}`);
  const written = new Map(origin.places.map((at) => [`${at.template}:${at.line}`, at]));
  for (const { template, line } of written.values()) {
    const source = pack.files[template]?.split("\n")[line - 1] ?? "";
    console.log(`  ${styleText("cyan", `${template}:${line}`)} ${source.trim()}`);
  }
  console.log(`  value of:  ${origin.values.join(", ") || "no decision"}`);
  console.log(`  there for: ${origin.conditions.join(", ") || "no condition"}`);
  return 0;
}
