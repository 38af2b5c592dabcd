import semver from "semver";
import { z } from "zod";
import type { Finding } from "#core/finding.ts";
import { type JsonPosition, jsonPositions, nearestPosition } from "#core/json-position.ts";
import { Json, canonicalJson } from "#core/json.ts";
import { FORBIDDEN_KEYS } from "#core/request-body.ts";
import { type Result, err, ok } from "#core/result.ts";

/** `services.enable_redis`; no lists and no wildcards: what is within a list moves with it. */
const Path = z
  .string()
  .max(400)
  .regex(/^[^.\s]+(?:\.[^.\s]+)*$/, "a path like services.enable_redis")
  .refine((path) => !path.split(".").some((name) => FORBIDDEN_KEYS.has(name)), "names what no decision can be called");
const Scalar = z.union([z.string(), z.number(), z.boolean()]);
const Range = z.string().refine((range) => semver.validRange(range) !== null, "is no version range");
const lossy = z.boolean().default(false);

/**
 * One change of `config_data` and, read backwards, its inverse. An absent decision stays absent, so that the new pack's default
 * applies where the old one's did. `lossy` says that the way back does not give back everything; saying so wrongly is found at
 * admission.
 */
export const Operation = z.discriminatedUnion("op", [
  z.strictObject({
    op: z.literal("rename"),
    path: Path,
    to: Path.refine((name) => !name.includes("."), "a name without dots"),
    lossy,
  }),
  z.strictObject({ op: z.literal("move"), path: Path, to: Path, lossy }),
  /** Values by pairs; one that no pair names stays what it is. */
  z.strictObject({
    op: z.literal("map"),
    path: Path,
    values: z
      .array(z.tuple([Scalar, Scalar]))
      .min(1)
      .max(200),
    lossy,
  }),
  /** Sets a decision that has no value: one that is new, or one whose default changes and whose users shall keep the old one. */
  z.strictObject({ op: z.literal("default"), path: Path, value: Json, lossy }),
  /** One decision becomes several: by a table of values, or by cutting a text at a separator. */
  z.strictObject({
    op: z.literal("split"),
    path: Path,
    cases: z
      .array(z.strictObject({ value: Scalar, set: z.record(Path, Scalar) }))
      .min(1)
      .max(200),
    lossy,
  }),
  z.strictObject({
    op: z.literal("split-text"),
    path: Path,
    separator: z.string().min(1).max(8),
    into: z.array(Path).min(2).max(8),
    lossy,
  }),
  z.strictObject({ op: z.literal("drop"), path: Path, reason: z.string().min(1).max(500), lossy: z.literal(true) }),
  /** Somebody must say a value that nobody can derive. */
  z.strictObject({ op: z.literal("require"), path: Path, message: z.string().min(1).max(500), lossy }),
]);
export type Operation = z.infer<typeof Operation>;

/** `migrations/*.json`: how decisions made for versions in `from` become decisions for versions in `to`. */
export const Migration = z.strictObject({
  from: Range,
  to: Range,
  summary: z.string().max(500).default(""),
  operations: z.array(Operation).min(1).max(500),
});
export type Migration = z.infer<typeof Migration>;

type MigrationFile = { file: string; json: Json; text?: string | undefined };
type Wrong = { pointer: string; message: string };

/** Reads a pack's migration files; every problem of all of them at once, in its line where the file's `text` is given. */
export function parseMigrations(files: readonly MigrationFile[]): Result<Migration[], Finding[]> {
  const problems: Finding[] = [];
  const migrations: Migration[] = [];
  for (const { file, json, text } of files) {
    const parsed = Migration.safeParse(json);
    const wrong = parsed.success ? contradictions(parsed.data) : parsed.error.issues.map(wrongOfIssue);
    const positions = wrong.length > 0 && text !== undefined ? jsonPositions(text) : new Map<string, JsonPosition>();
    problems.push(
      ...wrong.map(({ pointer, message }): Finding => ({
        code: "migration_invalid",
        severity: "error",
        message: `${file}: ${message}`,
        action: "Correct the migration and release the pack again.",
        place: { file, ...nearestPosition(positions, pointer) },
      })),
    );
    if (parsed.success) migrations.push(parsed.data);
  }
  return problems.length > 0 ? err(problems) : ok(migrations);
}

function wrongOfIssue(issue: z.core.$ZodIssue): Wrong {
  const unknown = issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  return {
    pointer: [...issue.path, ...unknown].map((key) => `/${String(key)}`).join(""),
    message: `${issue.path.join(".") || "the file"}: ${issue.message}`,
  };
}

function contradictions({ from, to, operations }: Migration): Wrong[] {
  const overlap = semver.intersects(from, to)
    ? [{ pointer: "/to", message: `from (${from}) and to (${to}) overlap` }]
    : [];
  const tables = operations.flatMap((operation, index) =>
    tableProblems(operation).map((message) => ({ pointer: `/operations/${index}`, message })),
  );
  return [...overlap, ...tables];
}

/** A table that names one value twice has no meaning; one that gives two values one result has no inverse. */
function tableProblems(operation: Operation): string[] {
  const twice = (texts: string[]) => texts.find((text, index) => texts.indexOf(text) !== index);
  if (operation.op === "map") {
    const from = twice(operation.values.map(([value]) => canonicalJson(value)));
    const to = twice(operation.values.map(([, value]) => canonicalJson(value)));
    if (from !== undefined) return [`map of ${operation.path}: ${from} is mapped twice`];
    if (to !== undefined && !operation.lossy)
      return [`map of ${operation.path}: two values become ${to}, so it must say "lossy": true`];
  }
  if (operation.op === "split") {
    const from = twice(operation.cases.map(({ value }) => canonicalJson(value)));
    const to = twice(operation.cases.map(({ set }) => canonicalJson(set)));
    if (from !== undefined) return [`split of ${operation.path}: ${from} has two cases`];
    if (to !== undefined && !operation.lossy)
      return [`split of ${operation.path}: two values become ${to}, so it must say "lossy": true`];
  }
  return [];
}
