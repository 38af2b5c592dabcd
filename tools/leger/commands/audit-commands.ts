import { AuditPage, AuditVerdict } from "../api/shapes.ts";
import { readPages } from "../api/read-pages.ts";
import { leaf } from "../leaf.ts";
import { style, table } from "../output.ts";
import { writeResultFile } from "./write-result-file.ts";
import { numberOf } from "./config-commands.ts";

type Filter = { actor?: string; action?: string; target?: string; since?: string; until?: string; limit: string };

export const auditListCommand = () =>
  leaf<Filter>({
    name: "list",
    description: "Who changed what, and when, newest first.",
    declare: (command) =>
      command
        .option("--actor <actor>", "like user:ID or device:ID")
        .option("--action <action>", "one action, or a family: configuration")
        .option("--target <target>", "like configuration:ID")
        .option("--since <instant>", "from then on, like 2026-11-21T00:00:00Z")
        .option("--until <instant>", "up to then")
        .option("--limit <n>", "so many", "50"),
    run: async ({ api, out, options }) => {
      const { actor, action, target, since, until } = options;
      const entries = await readPages(api, {
        path: "/audit",
        query: { actor, action, target, since, until },
        shape: AuditPage,
        items: (page) => page.entries,
        itemsMax: numberOf(options.limit),
      });
      const rows = entries.map((one) => [
        String(one.seq),
        one.at.slice(0, 19).replace("T", " "),
        one.actor,
        one.action,
        one.target,
      ]);
      out.result({ entries }, table(rows, ["SEQ", "WHEN (UTC)", "WHO", "WHAT", "ON"]));
    },
  });

export const auditVerifyCommand = () =>
  leaf({
    name: "verify",
    description: "Hold the log against its signed seals and their copies; exit code 1 where it was tampered with.",
    run: async ({ api, out }) => {
      const problems: { code: string; seq: number; message: string }[] = [];
      let checked = 0;
      let unsealed = 0;
      let cursor: string | undefined;
      do {
        const { data } = await api.call({ path: "/audit/verify", query: { cursor }, shape: AuditVerdict });
        problems.push(...data.problems);
        checked += data.checked;
        unsealed = data.unsealed;
        cursor = data.next_cursor ?? undefined;
      } while (cursor !== undefined);
      const isIntact = problems.length === 0;
      out.result({ is_intact: isIntact, checked, unsealed, problems }, [
        ...problems.map(({ seq, code, message }) => `${style("red", code)} at ${seq}: ${message}`),
        isIntact
          ? `${style("green", "✓")} ${checked} rows are as they were sealed; ${unsealed} are too new for a seal.`
          : `${problems.length} problems in ${checked} rows.`,
      ]);
      if (!isIntact) process.exitCode = 1;
    },
  });

export const auditExportCommand = () =>
  leaf<{ out?: string }>({
    name: "export",
    description: "The whole log with its seals as JSON lines.",
    declare: (command) => command.option("-o, --out <file>", "where to (default: stdout)"),
    run: async ({ api, out, options }) => {
      const { bytes } = await api.download({ path: "/audit/export", bytesMax: 1024 ** 3 });
      writeResultFile(out, { bytes, file: options.out });
    },
  });
