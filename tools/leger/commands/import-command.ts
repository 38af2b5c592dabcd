import { readFileSync } from "node:fs";
import { NeededSecrets, Saved } from "../api/shapes.ts";
import { CliError, EXIT, usageError } from "../cli-error.ts";
import { type Cli, leaf } from "../leaf.ts";
import { style } from "../output.ts";
import { fromHere } from "../settings.ts";
import { type ExportedConfiguration, type ExportedVersion, readExport } from "./read-export.ts";
import { watchRender } from "./watch-render.ts";

type Options = { newest?: true; only?: string[] };

const collect = (name: string, all: string[] | undefined) => [...(all ?? []), name];

const RENDER_SECONDS = 120;
type Imported = { name: string; namespace: string; versions: number; version: number | null; error: string | null };

export const importCommand = () =>
  leaf<Options>({
    name: "import",
    description: "Replay an export here: each deployment's versions, in their order, with numbers of this workspace.",
    declare: (command) =>
      command
        .argument("<file>", "made by leger export; - reads stdin")
        .option("--newest", "only the newest version of each deployment")
        .option("--only <name>", "only this deployment (repeatable)", collect)
        .addHelpText(
          "after",
          "\nDeleted deployments and uploaded files are not replayed, and said. Secrets have names only: set the values anew.\nAn import that was interrupted is run again: what is there already is not done twice within a day.",
        ),
    examples: ["leger export --server https://old.example.com | leger import - --server https://new.example.com"],
    run: async (cli) => {
      const { out, args, options } = cli;
      const file = args[0] ?? "";
      const exported = readExport(readText(file));
      const wanted = exported.configurations.filter(
        ({ deployment_name }) => options.only?.includes(deployment_name) ?? true,
      );
      const imported: Imported[] = [];
      const skipped: string[] = [];
      for (const configuration of wanted) {
        const versions = exported.versions.filter(
          ({ config_id, origin }) => config_id === configuration.id && origin !== "delete",
        );
        const reason = whyNot(configuration, versions);
        if (reason !== null) skipped.push(`${configuration.deployment_name}: ${reason}`);
        else imported.push(await replay(cli, configuration, options.newest ? versions.slice(-1) : versions));
      }
      const secrets = await missingSecrets(cli, imported);
      out.result({ imported, skipped, missing_secrets: secrets }, [
        ...imported.map(resultLine),
        ...skipped.map((text) => `${style("yellow", "not replayed")} ${text}`),
        ...secrets.map((name) => `${style("yellow", "secret missing")} ${name}: leger secrets set ${name}`),
        ...(wanted.length === 0 ? ["There is nothing to import."] : []),
      ]);
      if (imported.some(({ error }) => error !== null)) process.exitCode = EXIT.failed;
    },
  });

const resultLine = ({ name, version, versions, error }: Imported) =>
  error === null
    ? `${style("green", "✓")} ${name}: ${versions} ${versions === 1 ? "version" : "versions"}, the newest is ${version} here`
    : `${style("red", "failed")} ${name}: ${error}`;

function readText(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : fromHere(file), "utf8");
  } catch (cause) {
    throw usageError(`${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function whyNot({ deleted_at, pack }: ExportedConfiguration, versions: readonly ExportedVersion[]): string | null {
  if (deleted_at !== null) return `deleted on ${deleted_at.slice(0, 10)}`;
  if (pack === null || versions.some((version) => version.pack === null))
    return "made of uploaded files, which an export names only";
  return versions.length === 0 ? "has no version" : null;
}

/**
 * Saves one version after the other. Each goes under a key made of its id in the export, so that an import which was
 * interrupted can be run again; versions that made none when they were saved (equal content) make none here.
 */
async function replay(cli: Cli, of: ExportedConfiguration, versions: readonly ExportedVersion[]): Promise<Imported> {
  const { api, out } = cli;
  const { deployment_name: name, namespace } = of;
  const result: Imported = { name, namespace, versions: 0, version: null, error: null };
  try {
    for (const [index, version] of versions.entries()) {
      const body = {
        config_data: version.config_data,
        schema_version: version.schema_version,
        podman_target: version.podman_target,
      };
      const request = {
        query: { namespace },
        idempotencyKey: `import-${version.id}`,
        shape: Saved,
      };
      const first = {
        deployment_name: name,
        pack: version.pack,
        schema_range: of.schema_range,
        upgrade_policy: of.upgrade_policy,
      };
      const { data } =
        index === 0
          ? await api.call({ ...request, method: "POST", path: "/configurations", body: { ...body, ...first } })
          : await api.call({
              ...request,
              method: "PUT",
              path: `/configurations/${name}`,
              headers: { "if-match": `"${result.version ?? 0}"` },
              body: { ...body, allow_deprecated: true },
            });
      result.versions += 1;
      result.version = data.version.version;
      out.progress(`${name}: version ${version.version} there is version ${result.version} here`);
    }
    if (result.version !== null) await watchRender(cli, { version: result.version, seconds: RENDER_SECONDS });
  } catch (cause) {
    if (!(cause instanceof CliError) || cause.exit === EXIT.unreachable || cause.exit === EXIT.signed_out) throw cause;
    result.error = `${cause.message}${cause.action === null ? "" : ` ${cause.action}`}`;
  }
  return result;
}

async function missingSecrets({ api }: Cli, imported: readonly Imported[]): Promise<string[]> {
  const names = new Set<string>();
  for (const { name, namespace, error } of imported) {
    if (error !== null) continue;
    const { data } = await api.call({
      path: `/configurations/${name}/secrets`,
      query: { namespace },
      shape: NeededSecrets,
    });
    for (const secret of data.missing) names.add(secret.name);
  }
  return [...names].toSorted();
}
