import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { Preview, Saved } from "../api/shapes.ts";
import { usageError } from "../cli-error.ts";
import { leaf } from "../leaf.ts";
import { fromHere } from "../settings.ts";
import { conclude } from "./config-save-command.ts";
import { findConfiguration } from "./find-configuration.ts";
import { previewLines } from "./preview-lines.ts";

type Options = { namespace?: string; podman?: string; force?: true; preview?: true; wait: boolean; timeout: string };

const FILES_MAX = 200;

export const configUploadCommand = () =>
  leaf<Options>({
    name: "upload",
    description:
      "Make finished quadlet files a version: the same checks, preview, delivery and rollback, without a pack.",
    declare: (command) =>
      command
        .argument("<name>", "the deployment")
        .argument("<folder>", "its files: one flat folder")
        .option("--podman <version>", "the oldest Podman that will run it, like 5.4")
        .option("--force", "store units that would not start all the same")
        .option("--preview", "only say what it would do")
        .option("--no-wait", "do not wait for the files to be placed")
        .option("--timeout <seconds>", "wait so long for that", "120")
        .option("--namespace <path>", "its namespace"),
    examples: ["leger config upload blog ~/.config/containers/systemd --preview"],
    run: async (call) => {
      const { api, out, args, options } = call;
      const [name = "", folder = ""] = args;
      const query = {
        deployment: name,
        namespace: options.namespace,
        podman_target: options.podman,
        ...(options.force && { force: "true" }),
      };
      const body = readForm(folder);
      if (options.preview) {
        const request = { method: "POST" as const, path: "/config/upload/preview", query, body, shape: Preview };
        const { data } = await api.call(request);
        out.result(data, previewLines(data));
        if (data.render.state === "failed") process.exitCode = 1;
        return;
      }
      const found = await findConfiguration(api, { name, namespace: options.namespace });
      const { data: saved } = await api.call({
        method: "POST",
        path: "/config/upload",
        query,
        body,
        ...(found && { headers: { "if-match": found.etag } }),
        shape: Saved,
      });
      await conclude(call, saved, options);
    },
  });

/** Every file of a folder, with the digests that the server holds them against. Hidden ones are left out. */
function readForm(given: string): FormData {
  const root = fromHere(given);
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) throw usageError(`${given} is no folder.`);
  const entries = readdirSync(root, { withFileTypes: true }).filter(({ name }) => !name.startsWith("."));
  const below = entries.find((entry) => !entry.isFile());
  if (below) throw usageError(`${below.name} in ${given} is no file; what is uploaded is one flat folder.`);
  const names = entries.map(({ name }) => name).toSorted();
  if (names.length === 0) throw usageError(`There are no files in ${given}.`);
  if (names.length > FILES_MAX)
    throw usageError(`${given} has ${names.length} files; ${FILES_MAX} fit into an upload.`);
  const form = new FormData();
  const sums: string[] = [];
  for (const name of names) {
    const bytes = new Uint8Array(readFileSync(path.join(root, name)));
    sums.push(`${createHash("sha256").update(bytes).digest("hex")}  ${name}\n`);
    form.append("files", new Blob([bytes]), name);
  }
  form.append("sha256sums", sums.join(""));
  return form;
}
