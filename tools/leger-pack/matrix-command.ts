import { Command } from "commander";
import { pairwiseMatrix } from "#core/matrix/pairwise-matrix.ts";
import { readOrReport } from "./pack-options.ts";

export const matrixCommand = (exit: (code: number) => void) =>
  new Command("matrix")
    .description("Print the configurations that admission tries: every pair of decisions, in few rows.")
    .argument("<pack>", "folder of the pack")
    .option("--json", "one row a line as {name, configData}, then the figures")
    .action((folder: string, options: { json?: true }) => {
      const read = readOrReport(folder, { version: "v0.0.0", json: options.json });
      if (!read) return exit(1);
      const { rows, ...figures } = pairwiseMatrix(read.pack.schema);
      for (const { name, configData } of rows)
        console.log(options.json ? JSON.stringify({ name, configData }) : `${name} ${JSON.stringify(configData)}`);
      if (options.json) console.log(JSON.stringify({ rows: rows.length, ...figures }));
      else
        console.log(
          `${rows.length} rows cover ${figures.covered} of ${figures.pairs} pairs (${figures.excluded} that the schema refuses); all combinations would be ${figures.combinations.toPrecision(3)}`,
        );
      return exit(0);
    });
