import { z } from "zod";

/**
 * Where a finding is. `file` is a path inside the pack (`templates/caddy.container.j2`) or the name of an output;
 * lines and columns count from 1, as editors do.
 */
export const Place = z.object({ file: z.string(), line: z.int().positive(), column: z.int().positive() });
export type Place = z.infer<typeof Place>;

/**
 * One thing wrong with a pack, a configuration or a render: what happened, where, and what to do. Pure code returns
 * lists of these, all of them at once; the shell puts them into `error.details` or a job's `failure`.
 * Of a finding about an output, `place` is in the output and `template` where the template wrote that line.
 * `decision` is a JSON Pointer (RFC 6901) into `config_data`. `excerpt` holds up to three lines of source, as
 * `{number: 12, text: "..."}`. A `code` is stable: people search for it.
 */
export const Finding = z
  .object({
    code: z.string(),
    severity: z.enum(["error", "warning"]),
    message: z.string(),
    action: z.string(),
    place: Place.optional(),
    template: Place.optional(),
    excerpt: z.array(z.object({ number: z.int().positive(), text: z.string() })).optional(),
    decision: z.string().optional(),
  })
  .meta({ id: "Finding" });
export type Finding = z.infer<typeof Finding>;

export const hasErrors = (findings: readonly Finding[]) => findings.some((finding) => finding.severity === "error");

/** How many of a render's findings are kept with its job: enough to see what is wrong; a row of D1 holds 2 MB. */
export const FINDINGS_MAX = 100;
