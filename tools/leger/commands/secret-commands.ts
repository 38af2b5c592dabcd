import { readFileSync } from "node:fs";
import { DeletedSecret, NeededSecrets, SecretList, SecretValue, StoredSecret } from "../api/shapes.ts";
import { usageError } from "../cli-error.ts";
import { leaf } from "../leaf.ts";
import { minute, style, table } from "../output.ts";
import { confirm } from "./confirm.ts";
import { readHidden } from "./read-hidden.ts";

const path = (name: string) => `/secrets/${encodeURIComponent(name)}`;

export const secretsListCommand = () =>
  leaf({
    name: "list",
    description: "Names and facts; never values.",
    run: async ({ api, out }) => {
      const { data } = await api.call({ path: "/secrets/list", shape: SecretList });
      const rows = data.secrets.map((one) => [
        one.name,
        `v${one.version}`,
        `${one.size_bytes} bytes`,
        minute(one.updated_at),
        minute(one.last_accessed),
        one.is_stale ? "to be rotated" : "",
      ]);
      const lines =
        rows.length > 0 ? table(rows, ["NAME", "VERSION", "SIZE", "SET", "READ", ""]) : ["There are no secrets."];
      out.result(data, lines);
    },
  });

export const secretsSetCommand = () =>
  leaf<{ value?: string; file?: string; generate?: true; replace?: true }>({
    name: "set",
    description: "Store a secret or its next version: from stdin, byte by byte, or asked for on the terminal.",
    declare: (command) =>
      command
        .argument("<name>", "letters, digits, _ and -")
        .option("-f, --file <file>", "the value is this file's bytes")
        .option("--value <text>", "the value; other users of this machine can see it in the list of processes")
        .option("--generate", "let the server make one, as the schema says, that nobody sees")
        .option("--replace", "with --generate: also where there is one already"),
    examples: [
      "leger secrets set openai_api_key",
      'printf %s "$KEY" | leger secrets set openai_api_key',
      "leger secrets set postgres_password --generate",
    ],
    run: async ({ api, out, args, options }) => {
      const name = args[0] ?? "";
      const request = options.generate
        ? { path: "/secrets/generate", body: { name, replace: options.replace === true } }
        : { path: "/secrets/set", body: { name, ...valueBody(await readValue(name, options)) } };
      const { data } = await api.call({ method: "POST", ...request, shape: StoredSecret });
      out.result(data, [`${data.name} is stored as version ${data.version}.`]);
    },
  });

async function readValue(name: string, { value, file }: { value?: string; file?: string }): Promise<Uint8Array> {
  if (value !== undefined) return new TextEncoder().encode(value);
  if (file === undefined && process.stdin.isTTY)
    return new TextEncoder().encode(await readHidden(`Value of ${name}: `));
  try {
    return readFileSync(file ?? 0);
  } catch (cause) {
    throw usageError(`${file ?? "stdin"} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/** As text where it is text, else in base64: what is read back is exactly what was given. */
function valueBody(bytes: Uint8Array): { value: string; encoding: "utf8" | "base64" } {
  try {
    return { value: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), encoding: "utf8" };
  } catch {
    return { value: Buffer.from(bytes).toString("base64"), encoding: "base64" };
  }
}

export const secretsGetCommand = () =>
  leaf<{ version?: string }>({
    name: "get",
    description: "Print a secret's bytes as they are, without a newline; the read is audited.",
    declare: (command) =>
      command.argument("<name>", "the secret").option("--version <n>", "an older version, while it is kept"),
    examples: ["leger secrets get openai_api_key | podman secret create openai_api_key -"],
    run: async ({ api, out, args, options }) => {
      const { data } = await api.call({
        path: `/secrets/get/${encodeURIComponent(args[0] ?? "")}`,
        query: { version: options.version, encoding: "base64" },
        shape: SecretValue,
      });
      if (out.isJson) out.result(data, []);
      else process.stdout.write(Buffer.from(data.value, "base64"));
    },
  });

export const secretsDeleteCommand = () =>
  leaf<{ yes?: true }>({
    name: "delete",
    description: "Delete a secret; it can be brought back for a while: leger secrets undelete.",
    declare: (command) => command.argument("<name>", "the secret").option("-y, --yes", "do not ask"),
    run: async ({ api, out, args, options }) => {
      const name = args[0] ?? "";
      if (!options.yes) await confirm(`Delete the secret ${name}?`, []);
      const { data } = await api.call({ method: "DELETE", path: path(name), shape: DeletedSecret });
      out.result(data, [`${data.name} is deleted; it can be brought back until ${minute(data.restorable_until)}.`]);
    },
  });

export const secretsUndeleteCommand = () =>
  leaf({
    name: "undelete",
    description: "Bring a deleted secret back.",
    declare: (command) => command.argument("<name>", "the secret"),
    run: async ({ api, out, args }) => {
      const { data } = await api.call({
        method: "POST",
        path: `${path(args[0] ?? "")}/undelete`,
        shape: StoredSecret.pick({ name: true, version: true }),
      });
      out.result(data, [`${data.name} is back, as version ${data.version}.`]);
    },
  });

export const secretsNeededCommand = () =>
  leaf<{ namespace?: string }>({
    name: "needed",
    description:
      "What a deployment needs: missing, due for rotation, present. Exit code 1 where a required one is missing.",
    declare: (command) => command.argument("<deployment>", "its name").option("--namespace <path>", "its namespace"),
    run: async ({ api, out, args, options }) => {
      const { data } = await api.call({
        path: `/configurations/${encodeURIComponent(args[0] ?? "")}/secrets`,
        query: { namespace: options.namespace },
        shape: NeededSecrets,
      });
      const missing = data.missing.map(({ name, is_required, can_generate }) => {
        const how = can_generate ? `leger secrets set ${name} --generate` : `leger secrets set ${name}`;
        return `${style(is_required ? "red" : "yellow", "missing")} ${name}: ${how}`;
      });
      const stale = data.stale.map(({ name }) => `${style("yellow", "due for rotation")} ${name}`);
      const present = data.present.map(({ name }) => `${style("green", "✓")} ${name}`);
      out.result(data, [...missing, ...stale, ...present]);
      if (data.missing.some(({ is_required }) => is_required)) process.exitCode = 1;
    },
  });
