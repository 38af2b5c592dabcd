import { Command } from "commander";
import { pairwiseMatrix } from "#core/matrix/pairwise-matrix.ts";
import { counted, readOrReport } from "./pack-options.ts";

export const matrixCommand = (exit: (code: number) => void) =>
  new Command("matrix")
    .description("Print the configurations that admission tries: every pair of decisions, in few rows.")
    .argument("<pack>", "folder of the pack")
    .option("--json", "one row a line as {name, configData}, then a line with the figures")
    .addHelpText(
      "after",
      `
Decisions with few values (enums, booleans) are tried with each of them, others with their default. A pair that x-depends-on
does not permit is not counted. A row is a config_data: \`leger-pack render\` takes it.`,
    )
    .action((folder: string, options: { json?: true }) => exit(run(folder, options)));

function run(folder: string, options: { json?: true }): number {
  const read = readOrReport(folder, { version: "v0.0.0", json: options.json });
  if (!read) return 1;
  const { rows, ...figures } = pairwiseMatrix(read.pack.schema);
  for (const { name, configData } of rows)
    console.log(options.json ? JSON.stringify({ name, configData }) : `${name} ${JSON.stringify(configData)}`);
  if (options.json) console.log(JSON.stringify({ rows: rows.length, ...figures }));
  else {
    const { covered, pairs, excluded, combinations } = figures;
    const refused = excluded > 0 ? ` (${excluded} that the schema refuses)` : "";
    const all = combinations < 1e6 ? String(combinations) : combinations.toPrecision(3);
    console.log(
      `${counted(rows.length, "row")} ${rows.length === 1 ? "covers" : "cover"} ${covered} of ${counted(pairs, "pair")}${refused}; all combinations would be ${all}`,
    );
  }
  return 0;
}
