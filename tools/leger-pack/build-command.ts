import { createHash } from "node:crypto";
import { statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { PACK_ASSET_NAME, packArchive } from "../upstreams/pack-archive.ts";
import { packFolder, readPackTree } from "./pack-folder.ts";
import { counted, readOrReport } from "./pack-options.ts";
import { fromHere } from "./read-input.ts";
import { usageError } from "./usage-error.ts";

type Options = { out: string; json?: true };

export const buildCommand = (exit: (code: number) => void) =>
  new Command("build")
    .description("Make the release asset: the same files give the same bytes, on every machine and in every year.")
    .argument("<pack>", "folder of the pack")
    .option("--out <file>", "where it goes", PACK_ASSET_NAME)
    .option("--json", "the result as one JSON line: {file, files, bytes, digest}")
    .addHelpText(
      "after",
      `
The pack must compile; whether the registry takes it, \`leger-pack check\` says.
Not in the asset: .git, .DS_Store, and a ${PACK_ASSET_NAME} that lies in the folder.`,
    )
    .action(async (folder: string, options: Options) => exit(await run(folder, options)));

async function run(given: string, options: Options): Promise<number> {
  const folder = packFolder(given);
  checkTarget(folder, options.out);
  if (!readOrReport(given, { version: "v0.0.0", json: options.json })) return 1;
  const files = new Map(
    [...readPackTree(folder).files].map(([name, bytes]) => [name, { bytes, mode: "100644" as const }]),
  );
  const archive = await packArchive(files);
  writeFileSync(fromHere(options.out), archive);
  const sha256 = createHash("sha256").update(archive).digest("hex");
  const result = { file: options.out, files: files.size, bytes: archive.byteLength, digest: `sha256:${sha256}` };
  console.log(
    options.json
      ? JSON.stringify(result)
      : `${result.file}: ${counted(result.files, "file")}, ${counted(result.bytes, "byte")}, ${result.digest}`,
  );
  return 0;
}

/** What is written into the pack's own folder would be part of the next build, or overwrite a part of this one. */
function checkTarget(folder: string, out: string): void {
  const target = fromHere(out);
  const within = path.relative(folder, target);
  const isInside = !within.startsWith("..") && !path.isAbsolute(within);
  if (isInside && within !== PACK_ASSET_NAME)
    throw usageError(
      `--out ${out} lies in the pack's folder and would be part of the pack; name a place outside of it`,
    );
  if (statSync(target, { throwIfNoEntry: false })?.isDirectory())
    throw usageError(`--out ${out} is a folder; name the file, for example ${path.join(out, PACK_ASSET_NAME)}`);
  if (!statSync(path.dirname(target), { throwIfNoEntry: false })?.isDirectory())
    throw usageError(`--out ${out} cannot be written: there is no folder ${path.dirname(out)}`);
}
