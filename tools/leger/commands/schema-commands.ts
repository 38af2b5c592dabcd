import { SchemaDetail, SchemaList } from "../api/shapes.ts";
import { leaf } from "../leaf.ts";
import { formatFindings } from "../../leger-pack/print-findings.ts";
import { minute, table } from "../output.ts";

export const schemaListCommand = () =>
  leaf({
    name: "list",
    description: "Releases of template packs, newest first.",
    run: async ({ api, out }) => {
      const { data } = await api.call({ path: "/schemas", shape: SchemaList });
      const rows = data.schemas.map(({ pack, version, status, podman, released_at }) => [
        pack,
        version,
        status,
        `${podman.min}${podman.max === null ? " and later" : ` to ${podman.max}`}`,
        minute(released_at),
      ]);
      out.result(data, table(rows, ["PACK", "VERSION", "STATUS", "PODMAN", "RELEASED"]));
    },
  });

export const schemaShowCommand = () =>
  leaf<{ pack: string }>({
    name: "show",
    description: "One schema version: the decisions it asks for, and what is wrong with it.",
    declare: (command) => command.argument("<version>", "like v1.0.0").option("--pack <slug>", "the pack", "leger"),
    examples: ["leger schema show v1.1.0 --json | jq .config_schema"],
    run: async ({ api, out, args, options }) => {
      const path = `/schemas/${encodeURIComponent(args[0] ?? "")}`;
      const { data } = await api.call({ path, query: { pack: options.pack }, shape: SchemaDetail });
      out.result(data, [
        `${data.pack} ${data.version}: ${data.status}, Podman ${data.podman.min} and later, sha256:${data.pack_digest.slice(0, 12)}`,
        ...(data.report.length > 0 ? formatFindings(data.report) : []),
        JSON.stringify(data.config_schema, null, 2),
      ]);
    },
  });
