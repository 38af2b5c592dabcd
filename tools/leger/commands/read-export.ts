import { z } from "zod";
import { JsonObject } from "#core/json.ts";
import { CliError, EXIT } from "../cli-error.ts";

const Kind = z.looseObject({ kind: z.string() });
const End = z.object({ kind: z.literal("end"), lines: z.int() });
const Start = z.object({ kind: z.literal("leger-export"), format: z.literal(1), exported_at: z.string() });

const ExportedConfiguration = z.object({
  id: z.string(),
  namespace: z.string(),
  deployment_name: z.string(),
  pack: z.string().nullable(),
  schema_range: z.string(),
  upgrade_policy: z.string(),
  is_active: z.int(),
  deleted_at: z.string().nullable(),
});
export type ExportedConfiguration = z.infer<typeof ExportedConfiguration>;

const ExportedVersion = z.object({
  id: z.string(),
  config_id: z.string(),
  version: z.int(),
  config_data: JsonObject,
  pack: z.string().nullable(),
  schema_version: z.string().nullable(),
  podman_target: z.string(),
  origin: z.string(),
});
export type ExportedVersion = z.infer<typeof ExportedVersion>;

export type Exported = { configurations: ExportedConfiguration[]; versions: ExportedVersion[]; lines: number };

/** What an import needs of an export. One that was cut off has no last line that counts the others: refused. */
export function readExport(text: string): Exported {
  const lines = text.split("\n").filter((line) => line !== "");
  const end = End.safeParse(parseLine(lines.at(-1) ?? ""));
  if (!end.success || end.data.lines !== lines.length) throw broken("its end is missing, so it was cut off");
  const rows = lines.map((line, index) => {
    const parsed = Kind.safeParse(parseLine(line));
    if (!parsed.success) throw broken(`line ${index + 1} is no JSON object with a kind`);
    return parsed.data;
  });
  if (!Start.safeParse(rows[0]).success) throw broken("it does not begin as an export of this format");
  const read = <T>(kind: string, shape: z.ZodType<T>) => {
    const parsed = z.array(shape).safeParse(rows.filter((row) => row.kind === kind));
    if (!parsed.success) throw broken(`${kind}: ${z.prettifyError(parsed.error)}`);
    return parsed.data;
  };
  return {
    configurations: read("configuration", ExportedConfiguration),
    versions: read("version", ExportedVersion).toSorted((a, b) => a.version - b.version),
    lines: rows.length,
  };
}

const broken = (what: string) =>
  new CliError(EXIT.corrupt, {
    code: "export_broken",
    message: `This export cannot be used: ${what}.`,
    action: "Nothing was done. Make the export again.",
  });

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
