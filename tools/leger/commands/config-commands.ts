import { type Configuration, ConfigurationPage, Preview, Version, VersionDiff, VersionPage } from "../api/shapes.ts";
import { readPages } from "../api/read-pages.ts";
import { usageError } from "../cli-error.ts";
import { leaf } from "../leaf.ts";
import { minute, patchLines, style, table } from "../output.ts";
import { type DecisionOptions, createBody, decisionsFor, declareDecisions, editBody } from "./config-save-command.ts";
import { changeLines } from "./change-lines.ts";
import { confirm } from "./confirm.ts";
import { findConfiguration, readConfiguration } from "./find-configuration.ts";
import { planLines } from "./plan-lines.ts";
import { previewLines } from "./preview-lines.ts";

type Where = { namespace?: string };
const inNamespace = "its namespace";

export const configListCommand = () =>
  leaf<{ deleted?: true }>({
    name: "list",
    description: "All deployments: newest version, what devices get, state of the render.",
    declare: (command) => command.option("--deleted", "the deleted ones instead"),
    run: async ({ api, out, options }) => {
      const configurations = await readPages(api, {
        path: "/configurations",
        query: { ...(options.deleted && { deleted: "true" }) },
        shape: ConfigurationPage,
        items: (page) => page.configurations,
      });
      const rows = configurations.map((one) => [
        nameOf(one),
        `v${one.version}`,
        one.head_version === null ? "-" : `v${one.head_version}`,
        one.render_state ?? "-",
        one.schema_version ?? "uploaded",
        minute(one.saved_at),
        one.changes_summary ?? "",
      ]);
      const head = ["NAME", "SAVED", "DEVICES GET", "RENDER", "SCHEMA", "WHEN", "SUMMARY"];
      out.result({ configurations }, rows.length > 0 ? table(rows, head) : ["There are no deployments."]);
    },
  });

const nameOf = ({ name, namespace }: Pick<Configuration, "name" | "namespace">) =>
  namespace === "/" ? name : `${namespace}/${name}`;

export const configShowCommand = () =>
  leaf<Where & { version?: string }>({
    name: "show",
    description: "One deployment with its decisions, or one of its versions.",
    declare: (command) =>
      command
        .argument("<name>", "the deployment")
        .option("--version <n>", "this version")
        .option("--namespace <path>", inNamespace),
    examples: ["leger config show openwebui --json | jq .config_data > decisions.json"],
    run: async ({ api, out, args, options }) => {
      const name = args[0] ?? "";
      const { namespace } = options;
      if (options.version !== undefined) {
        const path = `/configurations/${name}/versions/${numberOf(options.version)}`;
        const { data } = await api.call({ path, query: { namespace }, shape: Version });
        out.result(data, [...table(versionRows(data)), JSON.stringify(data.config_data, null, 2)]);
        return;
      }
      const { configuration } = await readConfiguration(api, { name, namespace });
      const { version, head_version, render_state, schema_version, upgrade_policy, schema_range, podman_target } =
        configuration;
      const rows = [
        ["name", nameOf(configuration)],
        ["version", `${version} (${render_state ?? "no render"}), saved ${minute(configuration.saved_at)}`],
        ["devices get", head_version === null ? "nothing yet" : `version ${head_version}`],
        [
          "schema",
          `${configuration.pack ?? "uploaded"} ${schema_version ?? ""} (${upgrade_policy} within ${schema_range})`,
        ],
        ["Podman", `${podman_target} and later`],
        ...(configuration.is_active ? [] : [["paused", "devices keep what they run"]]),
      ];
      out.result(configuration, [...table(rows), JSON.stringify(configuration.config_data, null, 2)]);
    },
  });

const versionRows = (version: Version) => [
  ["version", `${version.version}, ${version.origin} by ${version.created_by}, ${minute(version.created_at)}`],
  ["summary", version.changes_summary ?? "-"],
  ["schema", `${version.pack ?? "uploaded"} ${version.schema_version ?? ""}`],
  ["render", version.render.state],
];

export const configHistoryCommand = () =>
  leaf<Where & { limit: string }>({
    name: "history",
    description: "Versions, newest first: who, why, what changed, and which devices say they run it.",
    declare: (command) =>
      command
        .argument("<name>", "the deployment")
        .option("--limit <n>", "so many", "20")
        .option("--namespace <path>", inNamespace),
    run: async ({ api, out, args, options }) => {
      const versions = await readPages(api, {
        path: `/configurations/${args[0] ?? ""}/versions`,
        query: { namespace: options.namespace },
        shape: VersionPage,
        items: (page) => page.versions,
        itemsMax: numberOf(options.limit),
      });
      const rows = versions.map((one) => [
        `v${one.version}`,
        minute(one.created_at),
        one.origin,
        one.render.state,
        one.devices.map(({ hostname, status }) => `${hostname} (${status})`).join(", ") || "-",
        one.changes_summary ?? "",
      ]);
      out.result({ versions }, table(rows, ["VERSION", "WHEN", "ORIGIN", "RENDER", "DEVICES", "SUMMARY"]));
    },
  });

export const configPreviewCommand = () =>
  leaf<DecisionOptions>({
    name: "preview",
    description: "See what a save would do: decisions, files, what a device does. Nothing is stored.",
    declare: declareDecisions,
    examples: ["leger config preview openwebui --set ai_stack.vector_database=qdrant"],
    run: async ({ api, out, args, options }) => {
      const name = args[0] ?? "";
      const found = await findConfiguration(api, { name, namespace: options.namespace });
      const body = {
        config_data: decisionsFor(options, found?.configuration ?? null),
        ...editBody(options),
        ...(found ? {} : createBody(options)),
      };
      const { data } = await api.call({
        method: "POST",
        path: `/configurations/${name}/preview`,
        query: { namespace: options.namespace },
        body,
        shape: Preview,
      });
      out.result(data, previewLines(data));
      if (data.render.state === "failed") process.exitCode = 1;
    },
  });

export const configDiffCommand = () =>
  leaf<Where>({
    name: "diff",
    description: "What differs between two versions: decisions, files, what a device does.",
    declare: (command) =>
      command
        .argument("<name>", "the deployment")
        .argument("[from]", "the older version (default: the one that TO was made from)")
        .argument("[to]", "the newer version (default: the newest)")
        .option("--namespace <path>", inNamespace),
    examples: ["leger config diff openwebui        # what the last save changed", "leger config diff openwebui 3 7"],
    run: async ({ api, out, args, options }) => {
      const [name = "", from, to] = args;
      const { namespace } = options;
      const newest =
        to === undefined ? (await readConfiguration(api, { name, namespace })).configuration.version : numberOf(to);
      const { data } = await api.call({
        path: `/configurations/${name}/versions/${newest}/diff`,
        query: { namespace, against: from === undefined ? undefined : numberOf(from) },
        shape: VersionDiff,
      });
      const changes = changeLines(data.changes);
      out.result(data, [
        style("bold", `From ${data.from ? `version ${data.from.version}` : "nothing"} to version ${data.to.version}`),
        ...(changes.length > 0 ? changes : ["No decision differs."]),
        ...(data.diff === null
          ? ["One of the two is not rendered, so files are not compared."]
          : data.diff.flatMap(({ unified }) => patchLines(unified))),
        ...(data.plan ? ["", style("bold", "On a device:"), ...planLines(data.plan)] : []),
      ]);
    },
  });

export const configDeleteCommand = () =>
  leaf<Where & { yes?: true }>({
    name: "delete",
    description: "Delete a deployment: devices are told, and remove nothing unasked. Its history stays.",
    declare: (command) =>
      command
        .argument("<name>", "the deployment")
        .option("-y, --yes", "do not ask")
        .option("--namespace <path>", inNamespace),
    run: async ({ api, out, args, options }) => {
      const name = args[0] ?? "";
      const { namespace } = options;
      const { etag, configuration } = await readConfiguration(api, { name, namespace });
      if (!options.yes)
        await confirm(`Delete ${name}?`, [`Version ${configuration.version}: ${configuration.changes_summary ?? ""}`]);
      const { data } = await api.call({
        method: "DELETE",
        path: `/configurations/${name}`,
        query: { namespace },
        headers: { "if-match": etag },
        shape: Version,
      });
      out.result(data, [`${name} is deleted; version ${data.version} says so to its devices.`]);
    },
  });

export function numberOf(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw usageError(`${text} is no version number.`);
  return Number(text);
}
