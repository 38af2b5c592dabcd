import { type LostDecision, Preview, Saved } from "../api/shapes.ts";
import { usageError } from "../cli-error.ts";
import { leaf } from "../leaf.ts";
import { numberOf } from "./config-commands.ts";
import { conclude } from "./config-save-command.ts";
import { confirm } from "./confirm.ts";
import { parseSetting } from "./edit-decisions.ts";
import { readConfiguration } from "./find-configuration.ts";
import { previewLines } from "./preview-lines.ts";

type Options = {
  namespace?: string;
  keep?: string;
  set?: string[];
  preview?: true;
  yes?: true;
  wait: boolean;
  timeout: string;
};

export const configRollbackCommand = () =>
  leaf<Options>({
    name: "rollback",
    description: "Go back: a new version with the content of an older one, after saying what that loses.",
    declare: (command) =>
      command
        .argument("<name>", "the deployment")
        .argument("<version>", "the version to go back to")
        .option(
          "--keep <what>",
          "schema: migrate those decisions to the release of now; decisions: these to the release of then",
        )
        .option("--set <path=value>", "with --keep, a value that the migration asks for (repeatable)", collect)
        .option("--preview", "only say what it would do and lose")
        .option("-y, --yes", "do not ask")
        .option("--no-wait", "do not wait for the render")
        .option("--timeout <seconds>", "wait so long for the render", "120")
        .option("--namespace <path>", "its namespace"),
    examples: ["leger config rollback openwebui 3", "leger config rollback openwebui 3 --keep schema --preview"],
    run: async (call) => {
      const { api, out, args, options } = call;
      const name = args[0] ?? "";
      const { namespace } = options;
      const to = numberOf(args[1] ?? "");
      const path = `/configurations/${name}/rollback`;
      const { etag } = await readConfiguration(api, { name, namespace });
      const asked = { method: "POST" as const, query: { namespace }, body: { to, ...migrating(options) } };
      const { data: preview } = await api.call({ ...asked, path: `${path}/preview`, shape: Preview });
      if (options.preview) {
        out.result(preview, previewLines(preview));
        return;
      }
      const { decisions = [], data_risks: risks = [] } = preview.losses ?? {};
      if (!options.yes) await confirm(`Go back to version ${to} of ${name}?`, previewLines(preview));
      else for (const text of [...risks.map((risk) => risk.text), ...decisions.map(lostText)]) out.warning(text);
      const body = { ...asked.body, ...(options.keep !== undefined && { accept_losses: true }) };
      const { data: saved } = await api.call({ ...asked, body, path, headers: { "if-match": etag }, shape: Saved });
      await conclude(call, saved, options);
    },
  });

const collect = (value: string, all: string[] = []) => [...all, value];

function migrating({ keep, set = [] }: Options) {
  if (keep === undefined && set.length > 0)
    throw usageError("--set is for what a migration asks, and without --keep nothing is migrated.");
  if (keep === undefined) return {};
  if (keep !== "schema" && keep !== "decisions") throw usageError(`--keep takes schema or decisions, not ${keep}.`);
  return { keep, inputs: Object.fromEntries(set.map(parseSetting).map(({ path, value }) => [path, value])) };
}

const lostText = ({ title, reason }: LostDecision) => `${title} is lost: ${reason}`;
