import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { readTree } from "../fixtures/fixture-release.ts";
import { PACK_ASSET_NAME, packArchive } from "../upstreams/pack-archive.ts";
import { readOrReport } from "./pack-options.ts";
import { fromHere } from "./read-input.ts";

type Options = { out: string; json?: true };

export const buildCommand = (exit: (code: number) => void) =>
  new Command("build")
    .description("Make the release asset: the same files give the same bytes, on every machine and in every year.")
    .argument("<pack>", "folder of the pack")
    .option("--out <file>", "where it goes", PACK_ASSET_NAME)
    .option("--json", "the result as one JSON line")
    .action(async (folder: string, options: Options) => exit(await run(folder, options)));

async function run(given: string, options: Options): Promise<number> {
  if (!readOrReport(given, { version: "v0.0.0", json: options.json })) return 1;
  const folder = [fromHere(given), path.join(fromHere(given), "pack")].find((one) =>
    existsSync(path.join(one, "schema.json")),
  );
  const files = new Map(
    [...readTree(folder ?? given)].map(([name, bytes]) => [name, { bytes, mode: "100644" as const }]),
  );
  const archive = await packArchive(files);
  writeFileSync(fromHere(options.out), archive);
  const sha256 = createHash("sha256").update(archive).digest("hex");
  const result = { file: options.out, files: files.size, bytes: archive.byteLength, digest: `sha256:${sha256}` };
  console.log(
    options.json
      ? JSON.stringify(result)
      : `${result.file}: ${result.files} files, ${result.bytes} bytes, ${result.digest}`,
  );
  return 0;
}
