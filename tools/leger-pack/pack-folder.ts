import { readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import type { Finding } from "#core/finding.ts";
import { LIMITS } from "#core/limits.ts";
import { packFromTree } from "#core/pack-tree.ts";
import type { Pack } from "#core/pack.ts";
import { type Result, err } from "#core/result.ts";
import { PACK_ASSET_NAME } from "../upstreams/pack-archive.ts";
import { fromHere } from "./read-input.ts";
import { usageError } from "./usage-error.ts";

/** What lies in an author's folder and belongs to no release: git's own, what macOS leaves behind, and the last build. */
const isNoPart = (name: string, depth: number) =>
  name === ".DS_Store" || (depth === 0 && (name === ".git" || name === PACK_ASSET_NAME));

type Tree = { files: Map<string, Uint8Array>; problems: Finding[] };

/** A pack's folder: the one that has schema.json, or one whose `pack/` has it, as in templates-fixtures. */
export function packFolder(given: string): string {
  const kind = statSync(fromHere(given), { throwIfNoEntry: false });
  if (!kind) throw usageError(`${given} does not exist`);
  if (!kind.isDirectory()) throw usageError(`${given} is a file; name the pack's folder`);
  const folders = [fromHere(given), path.join(fromHere(given), "pack")];
  const found = folders.find((folder) =>
    statSync(path.join(folder, "schema.json"), { throwIfNoEntry: false })?.isFile(),
  );
  if (found === undefined)
    throw usageError(
      `${given} is no pack: there is no schema.json in it (docs/how-to/write-a-pack.md says what a pack has)`,
    );
  return found;
}

/**
 * The files of a pack's folder: path from there, with `/`, to content. Links and other things that are no files are problems,
 * as they are in a release; a folder beyond the caps is not read to its end.
 */
export function readPackTree(folder: string): Tree {
  const tree: Tree = { files: new Map(), problems: [] };
  let bytes = 0;
  const visit = (below: string, depth: number): void => {
    const entries = readdirSync(path.join(folder, below), { withFileTypes: true });
    for (const entry of entries) {
      if (isNoPart(entry.name, depth)) continue;
      const file = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) visit(file, depth + 1);
      else if (!entry.isFile())
        tree.problems.push(noFile(file, entry.isSymbolicLink() ? "a symbolic link" : "no file"));
      else {
        bytes += statSync(path.join(folder, file)).size;
        if (tree.files.size >= LIMITS.pack_files_max.value || bytes > LIMITS.pack_bytes_max.value)
          throw usageError(
            `${folder} holds more than a pack may: ${LIMITS.pack_files_max.value} files, ${LIMITS.pack_bytes_max.value} bytes; what is no part of the release belongs beside its folder`,
          );
        tree.files.set(file, readFileSync(path.join(folder, file)));
      }
    }
  };
  visit("", 0);
  return tree;
}

const noFile = (file: string, is: string): Finding => ({
  code: "pack_entry_not_a_file",
  severity: "error",
  message: `${file} is ${is}; a release holds regular files only.`,
  action: "Put a copy of what it stands for in its place, or remove it.",
  place: { file, line: 1, column: 1 },
});

/** Reads a folder as the registry reads the release that is made of it. `version` is the tag that it will have. */
export function readPackFolder(given: string, version = "v0.0.0"): Result<Pack, Finding[]> {
  const folder = packFolder(given);
  const { files, problems } = readPackTree(folder);
  const pack = packFromTree(files, { pack: path.basename(folder), version });
  if (problems.length === 0) return pack;
  return err([...problems, ...(pack.ok ? [] : pack.error)]);
}
