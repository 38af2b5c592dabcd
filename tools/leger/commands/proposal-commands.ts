import { z } from "zod";
import { JsonObject } from "#core/json.ts";
import { readPages } from "../api/read-pages.ts";
import { leaf } from "../leaf.ts";
import { minute, style, table } from "../output.ts";
import { parseSetting } from "./edit-decisions.ts";
import { watchRender } from "./watch-render.ts";

const Proposal = z.object({
  id: z.string(),
  namespace: z.string(),
  deployment_name: z.string(),
  from_version: z.string(),
  schema_version: z.string(),
  state: z.string(),
  class: z.string(),
  preview: JsonObject,
  created_at: z.string(),
});
const Yanked = z.object({
  deployment_name: z.string(),
  schema_version: z.string(),
  yanked_reason: z.string().nullable(),
});
const ProposalPage = z.object({
  proposals: z.array(Proposal),
  yanked: z.array(Yanked),
  next_cursor: z.string().nullable(),
});
const Accepted = z.object({ version: z.int(), summary: z.string().nullable() });

export const proposalsCommand = () =>
  leaf<{ state: string }>({
    name: "proposals",
    description: "What new releases would do to your deployments; with --json, the preview of each.",
    declare: (command) => command.option("--state <state>", "open, accepted, dismissed or superseded", "open"),
    run: async ({ api, out, options }) => {
      const yanked: z.infer<typeof Yanked>[] = [];
      const proposals = await readPages(api, {
        path: "/proposals",
        query: { state: options.state },
        shape: ProposalPage,
        items: (page) => {
          if (yanked.length === 0) yanked.push(...page.yanked);
          return page.proposals;
        },
      });
      const rows = proposals.map((one) => [
        one.id,
        one.deployment_name,
        `${one.from_version} -> ${one.schema_version}`,
        one.class.replaceAll("_", " "),
        minute(one.created_at),
      ]);
      const notes = yanked.map(
        (one) =>
          `${style("red", "taken back")} ${one.deployment_name} runs ${one.schema_version}: ${one.yanked_reason ?? "no reason was given"}`,
      );
      const lines =
        rows.length > 0 ? table(rows, ["ID", "DEPLOYMENT", "RELEASE", "EFFECT", "SINCE"]) : ["Nothing is proposed."];
      out.result({ proposals, yanked }, [...lines, ...notes]);
    },
  });

export const acceptProposalCommand = () =>
  leaf<{ set?: string[]; wait: boolean }>({
    name: "accept",
    description: "Take a proposal: a new version with the migrated decisions.",
    declare: (command) =>
      command
        .argument("<id>", "the proposal's id")
        .option("--set <path=value>", "a value that the migration asks for (repeatable)", collect)
        .option("--no-wait", "do not wait for the render"),
    run: async (cli) => {
      const { api, out, args, options } = cli;
      const inputs = Object.fromEntries((options.set ?? []).map(parseSetting).map(({ path, value }) => [path, value]));
      const path = `/proposals/${encodeURIComponent(args[0] ?? "")}/accept`;
      const { data } = await api.call({ method: "POST", path, body: { inputs }, shape: Accepted });
      out.progress(`saved as version ${data.version}`);
      if (options.wait) await watchRender(cli, { version: data.version, seconds: 120 });
      out.result(data, [`Version ${data.version}: ${data.summary ?? "saved"}`]);
    },
  });

const collect = (value: string, all: string[] | undefined) => [...(all ?? []), value];

export const dismissProposalCommand = () =>
  leaf({
    name: "dismiss",
    description: "Put a proposal away; that release is not proposed to the deployment again.",
    declare: (command) => command.argument("<id>", "the proposal's id"),
    run: async ({ api, out, args }) => {
      const path = `/proposals/${encodeURIComponent(args[0] ?? "")}/dismiss`;
      const { data } = await api.call({ method: "POST", path, shape: z.object({ id: z.string(), state: z.string() }) });
      out.result(data, [`The proposal is ${data.state}.`]);
    },
  });
