import semver from "semver";
import { z } from "zod";
import { compileDecisionSchema } from "#core/decision-schema.ts";
import type { Finding } from "#core/finding.ts";
import { jsonPositions, nearestPosition, parseErrorPosition } from "#core/json-position.ts";
import { type Json, type JsonObject, isJsonObject } from "#core/json.ts";
import { LIMITS } from "#core/limits.ts";
import { PODMAN_TARGET_DEFAULT, PodmanVersion } from "#core/names.ts";
import { nestingDepth } from "#core/nesting-depth.ts";
import { type Pack, type PackCopy, PackOutput } from "#core/pack.ts";
import { type Result, err, ok } from "#core/result.ts";
import { checkSchemaShape } from "#core/schema-shape.ts";

const DESCRIPTION_FILE = "leger-pack.json";
const SCHEMA_FILE = "schema.json";
const TEMPLATE_SUFFIX = /\.(?:j2|njk)$/;
const SAFE_PATH = /^(?!\.{1,2}(?:\/|$))[A-Za-z0-9._@+-]+(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._@+-]+)*$/;
/** Names that mean a device, or nothing at all, to the systems that authors unpack packs on. */
const RESERVED_NAME = /(?:^|\/)(?:con|prn|aux|nul|com\d|lpt\d)(?:\.[^/]*)?(?:\/|$)|\.(?:\/|$)|(?:^|\/)\.git(?:\/|$)/i;
const SAFE_OUTPUT = /^(?!\.{1,2}$)[A-Za-z0-9@_+-][A-Za-z0-9@._+-]{0,127}$/;

const isNoOlder = (max: string, min: string) =>
  semver.gte(semver.coerce(max) ?? "0.0.0", semver.coerce(min) ?? "0.0.0");

const PackDescription = z.strictObject({
  name: z.string().max(200).optional(),
  description: z.string().max(2000).optional(),
  podman: z
    .strictObject({
      min: PodmanVersion.optional(),
      max: PodmanVersion.nullable().optional(),
      down_level: z.boolean().optional(),
    })
    .refine(({ min = PODMAN_TARGET_DEFAULT, max }) => !max || isNoOlder(max, min), {
      path: ["max"],
      message: "is older than the oldest Podman of the range",
    })
    .optional(),
  engine: z.strictObject({ trim_blocks: z.boolean().optional(), lstrip_blocks: z.boolean().optional() }).optional(),
  outputs: z.array(PackOutput).optional(),
});

/**
 * Reads one release's files (path from the pack's root -> bytes) into a `Pack`. All problems at once: unsafe paths, caps,
 * text that is no UTF-8, JSON that does not parse, a schema that is none, two outputs of one name. What `leger-pack.json`
 * does not say is derived (DESIGN 7): each template under templates/ is an output under its base name without .j2 or
 * .njk, unless that starts with `_`; other files there are copied.
 */
export function packFromTree(
  tree: ReadonlyMap<string, Uint8Array>,
  identity: { pack: string; version: string },
): Result<Pack, Finding[]> {
  const problems = checkCaps(tree);
  const files = decodeFiles(tree, problems);
  if (problems.length > 0) return err(problems);

  const description = readDescription(files, problems);
  const schema = readSchema(files, problems);
  const data = readData(files, problems);
  const migrations = [...paths(files, "migrations/", ".json")].map((path) => parseJson(files, path, problems) ?? null);
  const outputs = description.outputs ?? derivedOutputs(files);
  const copies = derivedCopies(files);
  checkOutputs({ files, outputs, copies }, problems);
  if (problems.length > 0) return err(problems);
  return ok({
    format: 1,
    ...identity,
    name: description.name ?? identity.pack,
    description: description.description ?? "",
    podman: {
      min: description.podman?.min ?? PODMAN_TARGET_DEFAULT,
      max: description.podman?.max ?? null,
      ...(description.podman?.down_level !== undefined && { down_level: description.podman.down_level }),
    },
    engine: {
      trim_blocks: description.engine?.trim_blocks ?? false,
      lstrip_blocks: description.engine?.lstrip_blocks ?? false,
    },
    outputs,
    copies,
    schema,
    data,
    files,
    migrations,
  });
}

const problem = (code: string, file: string, message: string): Finding => ({
  code,
  severity: "error",
  message: `${file}: ${message}`,
  action: "Correct the pack and release it again.",
  place: { file, line: 1, column: 1 },
});

function checkCaps(tree: ReadonlyMap<string, Uint8Array>): Finding[] {
  const problems: Finding[] = [];
  const folded = new Map<string, string>();
  let bytes = 0;
  for (const [path, content] of tree) {
    bytes += content.byteLength;
    if (!SAFE_PATH.test(path) || path.length > LIMITS.pack_path_chars_max.value)
      problems.push(problem("pack_path_unsafe", JSON.stringify(path), "the path is not a plain relative path"));
    else if (RESERVED_NAME.test(path))
      problems.push(problem("pack_path_reserved", path, "the name is reserved by an operating system"));
    if (content.byteLength > LIMITS.pack_file_bytes_max.value)
      problems.push(problem("pack_file_too_large", path, `more than ${LIMITS.pack_file_bytes_max.value} bytes`));
    const twin = folded.get(path.toLowerCase());
    if (twin !== undefined) problems.push(problem("pack_path_collision", path, `differs from ${twin} in case only`));
    folded.set(path.toLowerCase(), path);
  }
  if (tree.size > LIMITS.pack_files_max.value)
    problems.push(
      problem("pack_too_many_files", ".", `${tree.size} files; the limit is ${LIMITS.pack_files_max.value}`),
    );
  if (bytes > LIMITS.pack_bytes_max.value)
    problems.push(problem("pack_too_large", ".", `${bytes} bytes; the limit is ${LIMITS.pack_bytes_max.value}`));
  return problems;
}

function decodeFiles(tree: ReadonlyMap<string, Uint8Array>, problems: Finding[]): Record<string, string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const entries: [string, string][] = [];
  for (const path of [...tree.keys()].toSorted()) {
    try {
      entries.push([path, decoder.decode(tree.get(path))]);
    } catch {
      problems.push({
        ...problem("pack_file_not_text", path, "is not UTF-8 text"),
        action: "Keep what is no text out of the pack: everything in it is read, shipped or not.",
      });
    }
  }
  return Object.fromEntries(entries);
}

/**
 * Parses one JSON file. What parses and still means something else to who reads it later is refused too: `__proto__` is no key
 * of an ordinary object, and a number beyond what a double holds is Infinity here and null once it is stored.
 */
function parseJson(files: Record<string, string>, path: string, problems: Finding[]): Json | undefined {
  const text = files[path] ?? "";
  const depth = nestingDepth(text);
  if (depth > LIMITS.pack_json_depth_max.value) {
    const message = `is nested ${depth} levels deep; the limit is ${LIMITS.pack_json_depth_max.value}`;
    problems.push(problem("pack_json_too_deep", path, message));
    return undefined;
  }
  let wrong: string | null = null;
  try {
    const json = JSON.parse(text, (key, member: Json) => {
      if (key === "__proto__") wrong ??= "no key may be called __proto__";
      if (typeof member === "number" && !Number.isFinite(member))
        wrong ??= "a number is larger than any that can be stored";
      return member;
    }) as Json;
    if (wrong === null) return json;
    problems.push(problem("pack_json_invalid", path, wrong));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : "is not JSON";
    const place = { file: path, ...parseErrorPosition(message, text) };
    problems.push({ ...problem("pack_json_invalid", path, message), place });
  }
  return undefined;
}

function readDescription(files: Record<string, string>, problems: Finding[]): z.infer<typeof PackDescription> {
  if (files[DESCRIPTION_FILE] === undefined) return {};
  const raw = parseJson(files, DESCRIPTION_FILE, problems);
  if (raw === undefined) return {};
  const parsed = PackDescription.safeParse(raw);
  if (parsed.success) return parsed.data;
  const positions = jsonPositions(files[DESCRIPTION_FILE]);
  for (const issue of parsed.error.issues) {
    const unknown = issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
    const pointer = [...issue.path, ...unknown].map((key) => `/${String(key)}`).join("");
    const message = `${issue.path.join(".") || "the file"}: ${issue.message}`;
    const place = { file: DESCRIPTION_FILE, ...nearestPosition(positions, pointer) };
    problems.push({ ...problem("pack_description_invalid", DESCRIPTION_FILE, message), place });
  }
  return {};
}

function readSchema(files: Record<string, string>, problems: Finding[]): JsonObject {
  if (files[SCHEMA_FILE] === undefined) {
    problems.push(problem("pack_schema_missing", SCHEMA_FILE, "the pack has no schema.json"));
    return {};
  }
  const schema = parseJson(files, SCHEMA_FILE, problems);
  if (schema === undefined) return {};
  if (!isJsonObject(schema)) {
    problems.push(problem("schema_invalid", SCHEMA_FILE, "must be a JSON object"));
    return {};
  }
  const misshapen = checkSchemaShape(schema);
  const positions = misshapen.length > 0 ? jsonPositions(files[SCHEMA_FILE]) : new Map();
  for (const { pointer, message } of misshapen) {
    const place = { file: SCHEMA_FILE, ...nearestPosition(positions, pointer) };
    problems.push({ ...problem("schema_invalid", SCHEMA_FILE, `#${pointer}: ${message}`), place });
  }
  if (misshapen.length > 0) return schema; // what compiles it trusts the shape
  const compiled = compileDecisionSchema(schema, files[SCHEMA_FILE]);
  if (!compiled.ok) problems.push(...compiled.error);
  return schema;
}

function readData(files: Record<string, string>, problems: Finding[]): Record<string, Json> {
  const data: Record<string, Json> = {};
  for (const path of paths(files, "", ".json")) {
    if (path === DESCRIPTION_FILE || path === SCHEMA_FILE || /^(?:templates|migrations)\//.test(path)) continue;
    const name = baseName(path).slice(0, -".json".length);
    if (Object.hasOwn(data, name)) problems.push(problem("pack_data_twice", path, `another file is also data.${name}`));
    data[name] = parseJson(files, path, problems) ?? null;
  }
  return data;
}

function* paths(files: Record<string, string>, prefix: string, suffix: string): Iterable<string> {
  for (const path of Object.keys(files)) if (path.startsWith(prefix) && path.endsWith(suffix)) yield path;
}

const baseName = (path: string) => path.slice(path.lastIndexOf("/") + 1);

function derivedOutputs(files: Record<string, string>): PackOutput[] {
  return [...paths(files, "templates/", "")]
    .filter((path) => TEMPLATE_SUFFIX.test(path) && !baseName(path).startsWith("_"))
    .map((template) => ({ template, output: baseName(template).replace(TEMPLATE_SUFFIX, "") }));
}

function derivedCopies(files: Record<string, string>): PackCopy[] {
  return [...paths(files, "templates/", "")]
    .filter((path) => !TEMPLATE_SUFFIX.test(path) && !baseName(path).startsWith("_"))
    .map((path) => ({ path, output: baseName(path) }));
}

function checkOutputs(
  { files, outputs, copies }: { files: Record<string, string>; outputs: PackOutput[]; copies: PackCopy[] },
  problems: Finding[],
): void {
  const taken = new Map<string, string>();
  const positions = files[DESCRIPTION_FILE] === undefined ? new Map() : jsonPositions(files[DESCRIPTION_FILE]);
  const isDeclared = positions.has("/outputs");
  for (const [index, [source, output]] of [
    ...outputs.map((entry) => [entry.template, entry.output] as const),
    ...copies.map((entry) => [entry.path, entry.output] as const),
  ].entries()) {
    const declared = isDeclared && index < outputs.length;
    const place = declared
      ? { file: DESCRIPTION_FILE, ...nearestPosition(positions, `/outputs/${index}`) }
      : { file: source, line: 1, column: 1 };
    const report = (code: string, file: string, message: string) =>
      problems.push({ ...problem(code, file, message), place });
    if (files[source] === undefined) report("pack_template_missing", DESCRIPTION_FILE, `${source} is not in the pack`);
    if (!SAFE_OUTPUT.test(output) || output === "manifest.json")
      report("pack_output_name", source, `${JSON.stringify(output)} cannot be the name of a shipped file`);
    const other = taken.get(output);
    if (other !== undefined) report("pack_output_twice", source, `${output} is also made by ${other}`);
    taken.set(output, source);
  }
}
