import { readFileSync, statSync } from "node:fs";
import { z } from "zod";
import { Finding } from "#core/finding.ts";
import { formatFindings } from "../../leger-pack/print-findings.ts";
import type { Api, Query } from "../api/client.ts";
import { readPages } from "../api/read-pages.ts";
import { usageError } from "../cli-error.ts";
import { leaf } from "../leaf.ts";
import { minute, style, table } from "../output.ts";
import { fromHere } from "../settings.ts";

const Impact = z.object({
  pack: z.string(),
  version: z.string(),
  state: z.string(),
  progress: z.number(),
  as_of: z.string().nullable(),
  counts: z.record(z.string(), z.number().nullable()).nullable(),
  totals: z.object({ configurations: z.number(), seen: z.number() }).nullable(),
  configurations: z.array(
    z.object({ name: z.string(), namespace: z.string(), class: z.string(), text: z.string() }).loose(),
  ),
  next_cursor: z.string().nullable(),
});
type Impact = z.infer<typeof Impact>;

const Candidate = z.object({
  digest: z.string(),
  pack: z.string(),
  version: z.string(),
  status: z.string(),
  report: z.array(Finding),
  matrix: z.object({ rows: z.number() }).nullable(),
  compatibility: z
    .object({
      from: z.string(),
      class: z.string(),
      deserved: z.string(),
      promised: z.string(),
      reasons: z.array(z.string()),
    })
    .nullable(),
  expires_at: z.string().nullable(),
  read_on: z.string().nullable(),
});
type Candidate = z.infer<typeof Candidate>;

export const schemaImpactCommand = () =>
  leaf<{ pack: string; candidate?: string; again?: true }>({
    name: "impact",
    description: "What a schema version would do: to each of your deployments, and how many of others'.",
    declare: (command) =>
      command
        .argument("<version>", "like v1.1.0")
        .option("--pack <slug>", "the pack", "leger")
        .option("--candidate <digest>", "a pack that is not released (operator)")
        .option("--again", "count once more (operator)"),
    examples: ["leger schema impact v2.0.0"],
    run: async ({ api, out, args, options }) => {
      const path = `/schemas/${encodeURIComponent(args[0] ?? "")}/impact`;
      const query = { pack: options.pack, candidate: options.candidate };
      if (options.again)
        await api.call({ method: "POST", path, query, body: {}, shape: z.object({ read_on: z.string() }) });
      const impact = await readImpact(api, { path, query });
      out.result(impact, impactLines(impact));
    },
  });

/** The first page's facts, with the deployments of all pages. */
async function readImpact(api: Api, { path, query }: { path: string; query: Query }): Promise<Impact> {
  const pages: Impact[] = [];
  const items = (page: Impact) => {
    if (pages.length === 0) pages.push(page);
    return page.configurations;
  };
  const configurations = await readPages(api, { path, query, shape: Impact, items });
  return { ...Impact.parse(pages[0]), configurations, next_cursor: null };
}

const words = (kind: string) => kind.replaceAll("_", " ");

function impactLines({ pack, version, state, progress, as_of, counts, totals, configurations }: Impact): string[] {
  const since = as_of === null ? "" : `, as of ${minute(as_of)}`;
  const reach = totals === null ? "" : ` (${totals.seen} of ${totals.configurations} live deployments looked at)`;
  const head = `${pack} ${version}: ${state === "done" ? `counted${since}` : `${words(state)}, ${progress} %`}${reach}`;
  const own = configurations.map((one) => [one.name, one.namespace, words(one.class), one.text]);
  return [
    head,
    ...(counts === null
      ? ["Counts over all deployments are shown when everything is counted."]
      : table(Object.entries(counts).map(([kind, count]) => [words(kind), count === null ? "-" : String(count)]))),
    ...(counts && Object.values(counts).includes(null)
      ? [style("dim", "-  fewer than five others, or too near to such a group")]
      : []),
    "",
    ...(own.length > 0
      ? table(own, ["DEPLOYMENT", "NAMESPACE", "EFFECT", "WHAT"])
      : [
          `None of your deployments ${state === "done" ? "is on an older version of this pack" : "was looked at yet"}.`,
        ]),
  ];
}

export const schemaPreviewCommand = () =>
  leaf<{ pack: string; as: string }>({
    name: "preview",
    description: "Examine a pack before its release, and count what it would do (operator); nothing is admitted.",
    declare: (command) =>
      command
        .argument("<archive>", "what `leger-pack build` wrote")
        .requiredOption("--as <version>", "the tag that it would be released under, like v1.1.0")
        .option("--pack <slug>", "the pack", "leger"),
    examples: ["leger schema preview leger-pack.tar.gz --as v1.1.0"],
    run: async ({ api, out, args, options }) => {
      const { data } = await api.call({
        method: "POST",
        path: "/schemas/preview",
        query: { pack: options.pack, version: options.as },
        headers: { "content-type": "application/gzip" },
        body: readArchive(args[0] ?? ""),
        shape: Candidate,
      });
      out.result(data, candidateLines(data));
      if (data.status !== "ready") process.exitCode = 1;
    },
  });

function readArchive(given: string): Uint8Array {
  const file = fromHere(given);
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) throw usageError(`${given} is no file.`);
  return readFileSync(file);
}

function candidateLines({ report, compatibility, matrix, ...candidate }: Candidate): string[] {
  const { pack, version, status, digest, expires_at } = candidate;
  const follows = compatibility && [
    `After ${compatibility.from}: ${words(compatibility.class)}; deserves a ${compatibility.deserved} step, and takes a ${compatibility.promised} one.`,
    ...compatibility.reasons.map((reason) => `  ${reason}`),
  ];
  return [
    `${pack} ${version} would be ${status}; ${matrix?.rows ?? 0} configurations were tried.`,
    ...(report.length > 0 ? formatFindings(report) : []),
    ...(follows ?? []),
    expires_at === null
      ? "Nothing was stored: mend it first."
      : `Kept until ${minute(expires_at)}. What it would do: leger schema impact ${version} --pack ${pack} --candidate ${digest}`,
  ];
}
