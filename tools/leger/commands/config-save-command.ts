import type { JsonObject } from "#core/json.ts";
import { type Configuration, Saved } from "../api/shapes.ts";
import { usageError } from "../cli-error.ts";
import { type Call, leaf } from "../leaf.ts";
import { formatFindings } from "../../leger-pack/print-findings.ts";
import { style } from "../output.ts";
import { editDecisions, parseSetting, readJsonObject } from "./edit-decisions.ts";
import { findConfiguration } from "./find-configuration.ts";
import { watchRender } from "./watch-render.ts";

export type DecisionOptions = {
  file?: string;
  set?: string[];
  unset?: string[];
  namespace?: string;
  pack?: string;
  schema?: string;
  range?: string;
  podman?: string;
  allowDeprecated?: true;
};
type Options = DecisionOptions & {
  policy?: string;
  ifVersion?: string;
  overwrite?: true;
  wait: boolean;
  timeout: string;
};

const WAIT_SECONDS = "120";
const collect = (value: string, all: string[] = []) => [...all, value];

/** What `save` and `preview` take, so that the one can be tried with the other. */
export const declareDecisions = (command: Parameters<NonNullable<Parameters<typeof leaf>[0]["declare"]>>[0]) =>
  command
    .argument("<name>", "the deployment")
    .option("-f, --file <file>", "all decisions as JSON; - reads stdin")
    .option("--set <path=value>", "change one decision of what is there (repeatable)", collect)
    .option("--unset <path>", "back to the default (repeatable)", collect)
    .option("--namespace <path>", "its namespace")
    .option("--pack <slug>", "template pack, for a new deployment (default: leger)")
    .option("--schema <version>", "schema version, like v1.1.0 (default: the one it has, or the newest)")
    .option("--range <range>", "schema versions that upgrades may take, like ^1.0.0; for a new deployment")
    .option("--podman <version>", "the oldest Podman that will run it, like 5.4")
    .option("--allow-deprecated", "set decisions that the schema calls deprecated");

export const configSaveCommand = () =>
  leaf<Options>({
    name: "save",
    description: "Make a deployment or save a new version of it, and watch its render to the end.",
    declare: (command) =>
      declareDecisions(command)
        .option("--policy <policy>", "pinned, propose or auto; for a new deployment")
        .option("--if-version <n>", "refuse if this is not the newest version (default: the one just read)")
        .option("--overwrite", "save whatever others saved in between")
        .option("--no-wait", "do not wait for the render")
        .option("--timeout <seconds>", "wait so long for the render", WAIT_SECONDS),
    examples: [
      "leger config save openwebui --file decisions.json",
      "leger config save openwebui --set services.enable_redis=true --set networking.external_ports.openwebui=3001",
      "jq .config_data old.json | leger config save openwebui --file -",
    ],
    run: async (call) => {
      const { api, options } = call;
      const name = call.args[0] ?? "";
      const found = await findConfiguration(api, { name, namespace: options.namespace });
      const decisions = decisionsFor(options, found?.configuration ?? null);
      const { data: saved } = found
        ? await api.call({
            method: "PUT",
            path: `/configurations/${name}`,
            query: { namespace: options.namespace },
            headers: { "if-match": ifMatch(options, found.etag) },
            body: { config_data: decisions, ...editBody(options) },
            shape: Saved,
          })
        : await api.call({
            method: "POST",
            path: "/configurations",
            query: { namespace: options.namespace },
            body: { deployment_name: name, config_data: decisions, ...editBody(options), ...createBody(options) },
            shape: Saved,
          });
      await conclude(call, saved, options);
    },
  });

/** What was saved, then its render until it ends, or until the time is over. */
export async function conclude<O>(
  call: Call<O>,
  saved: Saved,
  options: { wait: boolean; timeout: string },
): Promise<void> {
  const { out } = call;
  const { version, unchanged, pruned, warnings } = saved;
  const notes = [
    ...pruned.map((pointer) => style("dim", `left out, because it does not apply: ${pointer}`)),
    ...(warnings.length > 0 ? formatFindings(warnings) : []),
  ];
  const what = unchanged
    ? `Version ${version.version} of ${version.name} has this content already.`
    : `Version ${version.version} of ${version.name}: ${version.changes_summary ?? "saved"}`;
  if (!options.wait) {
    out.result({ ...saved, render: null }, [what, ...notes]);
    return;
  }
  out.progress(unchanged ? what : `saved as version ${version.version}`);
  const seconds = Number(options.timeout);
  if (!(seconds > 0 && seconds <= 86_400)) throw usageError(`--timeout takes seconds, not ${options.timeout}`);
  const render = await watchRender(call, { version: version.version, seconds });
  const findings = render.warnings.length > 0 ? formatFindings(render.warnings) : [];
  out.result({ ...saved, render }, [
    what,
    ...notes,
    ...findings,
    `${style("green", "✓")} rendered and checked; devices get it with their next poll`,
  ]);
}

/** All decisions of --file, or those that are saved; with --set and --unset applied. */
export function decisionsFor({ file, set = [], unset = [] }: DecisionOptions, found: Configuration | null): JsonObject {
  if (file === undefined && found === null && set.length === 0)
    throw usageError(
      "There is no such deployment yet, and no decisions were given.",
      "Give them with --file or --set.",
    );
  if (file === undefined && set.length === 0 && unset.length === 0)
    throw usageError("Nothing to change was given.", "Give --file, --set or --unset.");
  const start = file === undefined ? (found?.config_data ?? {}) : readJsonObject(file);
  const edits = [...unset.map((path) => ({ path, value: undefined })), ...set.map(parseSetting)];
  return editDecisions(start, edits);
}

export const editBody = ({ schema, podman, allowDeprecated }: DecisionOptions) => ({
  ...(schema !== undefined && { schema_version: schema }),
  ...(podman !== undefined && { podman_target: podman }),
  ...(allowDeprecated && { allow_deprecated: true }),
});

export const createBody = ({ pack, range, policy }: { pack?: string; range?: string; policy?: string }) => ({
  ...(pack !== undefined && { pack }),
  ...(range !== undefined && { schema_range: range }),
  ...(policy !== undefined && { upgrade_policy: policy }),
});

function ifMatch({ overwrite, ifVersion }: { overwrite?: true; ifVersion?: string }, etag: string): string {
  if (overwrite) return "*";
  if (ifVersion === undefined) return etag;
  if (!/^[1-9]\d{0,14}$/.test(ifVersion)) throw usageError(`--if-version takes a number, not ${ifVersion}`);
  return `"${ifVersion}"`;
}
