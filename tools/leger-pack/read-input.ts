import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { type JsonObject, isJsonObject } from "#core/json.ts";
import { packFromTree } from "#core/pack-tree.ts";
import type { Pack } from "#core/pack.ts";
import type { Finding } from "#core/finding.ts";
import type { Result } from "#core/result.ts";
import type { BundleFile } from "#quadlet/load-units.ts";
import { readTree } from "../fixtures/fixture-release.ts";
import { usageError } from "./usage-error.ts";

/** npm runs scripts in the project's folder; paths are meant from where the person stands. */
export const fromHere = (file: string) => path.resolve(process.env["INIT_CWD"] ?? process.cwd(), file);

const kindOf = (file: string): "file" | "folder" | null => {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? null : stat.isDirectory() ? "folder" : "file";
};

/** A pack's folder: the one that has schema.json, or one whose `pack/` has it, as in templates-fixtures. */
export function readPackFolder(given: string): Result<Pack, Finding[]> {
  const folder = [fromHere(given), path.join(fromHere(given), "pack")].find(
    (candidate) => kindOf(path.join(candidate, "schema.json")) === "file",
  );
  if (folder === undefined) throw usageError(`${given} is no pack: there is no schema.json in it`);
  return packFromTree(readTree(folder), { pack: path.basename(path.resolve(folder)), version: "v0.0.0" });
}

export function readConfig(given: string): JsonObject {
  if (kindOf(fromHere(given)) !== "file") throw usageError(`${given} does not exist`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(fromHere(given), "utf8"));
  } catch (cause) {
    throw usageError(`${given} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (!isJsonObject(value)) throw usageError(`${given} must hold one JSON object`);
  return value;
}

/** A bundle: all files below a folder, or the files that are named. */
export function readBundle(given: readonly string[]): BundleFile[] {
  const decode = (bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes);
  return given.flatMap((file) => {
    const kind = kindOf(fromHere(file));
    if (kind === null) throw usageError(`${file} does not exist`);
    if (kind === "file") return [{ filename: path.basename(file), text: decode(readFileSync(fromHere(file))) }];
    return [...readTree(fromHere(file))].map(([filename, bytes]) => ({ filename, text: decode(bytes) }));
  });
}
