import { z } from "zod";
import { Purge, Saved } from "../api/shapes.ts";
import { usageError } from "../cli-error.ts";
import { leaf } from "../leaf.ts";
import { conclude } from "./config-save-command.ts";
import { confirm } from "./confirm.ts";

type Which = { namespace?: string; id?: string };

export const configRestoreCommand = () =>
  leaf<Which & { wait: boolean; timeout: string }>({
    name: "restore",
    description: "Bring a deleted deployment back, as a new version with its last content.",
    declare: (command) =>
      command
        .argument("<name>", "the deployment")
        .option("--id <config_id>", "which one, where several deleted ones had this name")
        .option("--no-wait", "do not wait for the render")
        .option("--timeout <seconds>", "wait so long for the render", "120")
        .option("--namespace <path>", "its namespace"),
    run: async (call) => {
      const { data } = await call.api.call({
        method: "POST",
        path: `/configurations/${encodeURIComponent(call.args[0] ?? "")}/restore`,
        query: { namespace: call.options.namespace },
        body: { ...(call.options.id !== undefined && { config_id: call.options.id }) },
        shape: Saved,
      });
      await conclude(call, data, call.options);
    },
  });

export const configPurgeCommand = () =>
  leaf<Which & { confirm?: string }>({
    name: "purge",
    description: "Erase the content of a deleted deployment for good: decisions at once, files within minutes.",
    declare: (command) =>
      command
        .argument("<name>", "the deployment")
        .option("--confirm <name>", "its name once more, instead of being asked")
        .option("--id <config_id>", "which one, where several deleted ones had this name")
        .option("--namespace <path>", "its namespace"),
    run: async ({ api, out, args, options }) => {
      const name = args[0] ?? "";
      if (options.confirm === undefined) await confirm(`Erase ${name} for good? Nothing brings it back.`, []);
      else if (options.confirm !== name) throw usageError(`--confirm says ${options.confirm}, and not ${name}.`);
      const { data } = await api.call({
        method: "POST",
        path: `/configurations/${encodeURIComponent(name)}/purge`,
        query: { namespace: options.namespace },
        body: { confirm: name, ...(options.id !== undefined && { config_id: options.id }) },
        shape: Purge,
      });
      out.result(data, [
        `${name} is erased from the database (${data.state} its files). Locked backups hold it until ${data.backups_expire_at.slice(0, 10)}.`,
      ]);
    },
  });

export const renderRetryCommand = () =>
  leaf({
    name: "retry",
    description: "Queue the render of a version again that could not be rendered.",
    declare: (command) => command.argument("<version>", "its number"),
    run: async ({ api, out, args }) => {
      const path = `/renders/${encodeURIComponent(args[0] ?? "")}/retry`;
      const { data } = await api.call({
        method: "POST",
        path,
        shape: z.object({ version: z.int(), state: z.string() }),
      });
      out.result(data, [`Version ${data.version} is ${data.state}.`]);
    },
  });
