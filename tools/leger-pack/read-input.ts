import { readFileSync, statSync } from "node:fs";
import path from "node:path";
import { parseErrorPosition } from "#core/json-position.ts";
import { type JsonObject, isJsonObject } from "#core/json.ts";
import { type BodyRefusal, parseBody } from "#core/request-body.ts";
import type { BundleFile } from "#quadlet/load-units.ts";
import { readTree } from "../fixtures/fixture-release.ts";
import { usageError } from "./usage-error.ts";

/** npm runs scripts in the project's folder; paths are meant from where the person stands. */
export const fromHere = (file: string) => path.resolve(process.env["INIT_CWD"] ?? process.cwd(), file);

const kindOf = (file: string): "file" | "folder" | null => {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? null : stat.isDirectory() ? "folder" : "file";
};

/** A file that holds one JSON object, read within the bounds that the service has. `asked` is the option that names it. */
export function readConfig(given: string, asked = "--config"): JsonObject {
  const kind = kindOf(fromHere(given));
  if (kind === null) throw usageError(`${asked} ${given} does not exist`);
  if (kind === "folder") throw usageError(`${asked} ${given} is a folder; name a file that holds one JSON object`);
  const text = readFileSync(fromHere(given), "utf8");
  const body = parseBody(text);
  if (!body.ok) throw usageError(`${asked} ${given} ${refusal(body.error, text)}`);
  if (!isJsonObject(body.value)) throw usageError(`${asked} ${given} must hold one JSON object, like {"port": 8080}`);
  return body.value;
}

/** Why the service would not read it either. */
function refusal(refused: BodyRefusal, text: string): string {
  if (refused.code === "number_not_exact")
    return `has a number at ${refused.pointer} that is too large to be kept exactly`;
  if (refused.code === "body_too_complex") return `is more than the service reads: ${refused.detail}`;
  try {
    JSON.parse(text); // asked again for the place: what it would answer was refused above
    return `is not JSON: ${refused.detail}`;
  } catch (cause) {
    const { line, column } = parseErrorPosition(cause instanceof Error ? cause.message : "", text);
    return `is not JSON: it cannot be parsed beyond line ${line}, column ${column}`;
  }
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
