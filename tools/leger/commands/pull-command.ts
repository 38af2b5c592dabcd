import path from "node:path";
import { type Cli, leaf } from "../leaf.ts";
import { usageError } from "../cli-error.ts";
import { dataFolder, fromHere } from "../settings.ts";
import { type Following, followLatest } from "../release/follow-latest.ts";
import { holdFolder } from "../release/hold-folder.ts";
import { releaseFolder } from "../release/release-folder.ts";
import { untilInterrupted, watch } from "../release/watch.ts";

type Options = { out?: string; namespace?: string; watch?: true; interval?: string };

export const pullCommand = () =>
  leaf<Options>({
    name: "pull",
    description: "Fetch what a device should run, verify every digest, and swap it in at once.",
    declare: (command) =>
      command
        .argument("[deployment]", "its name; needed where the workspace has had more than one")
        .option("--namespace <path>", "its namespace")
        .option("--out <folder>", "where versions go (default: leger/pulled/NAME in the data folder)")
        .option("--watch", "go on, and fetch each new version")
        .option("--interval <seconds>", "ask so often, instead of when the server says"),
    examples: [
      "leger pull openwebui --out ./openwebui        # then look at ./openwebui/current/",
      "leger pull openwebui --out ./openwebui --watch --json",
    ],
    run: async (cli) => {
      const { args, options, out } = cli;
      const deployment = args[0];
      const root =
        options.out === undefined ? path.join(dataFolder(), "pulled", deployment ?? "default") : fromHere(options.out);
      const of: Following = {
        api: cli.api,
        folder: releaseFolder(root),
        root,
        link: path.join(root, "current"),
        which: { deployment, namespace: options.namespace },
        say: out.progress,
      };
      await holdFolder(root, async () => {
        if (options.watch !== true) {
          const { event, line } = await pullOnce(of);
          out.result(event, [line]);
          return;
        }
        await follow(cli, of, intervalOf(options.interval));
      });
    },
  });

export function intervalOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const seconds = Number(text);
  if (!(seconds >= 0.1 && seconds <= 86_400)) throw usageError(`--interval takes seconds, not ${text}`);
  return seconds;
}

async function follow({ out }: Cli, of: Following, intervalSeconds: number | null): Promise<void> {
  let said = "";
  await watch({
    intervalSeconds,
    signal: untilInterrupted(),
    step: async () => {
      const { event, line, pollSeconds } = await pullOnce(of);
      if (line !== said) out.event(event, line);
      said = line;
      return pollSeconds;
    },
    trouble: (error) => {
      said = "";
      out.warning(`${error.message} What is here stays; asking again.`);
    },
    recovered: () => out.progress("the server answers again"),
  });
}

type Pulled = { event: Record<string, unknown>; line: string; pollSeconds: number };

/** One poll and, where there is something new, the swap: `previous` first, so that it never points at what `current` does. */
async function pullOnce(of: Following): Promise<Pulled> {
  const { outcome, pollSeconds, remember } = await followLatest(of);
  const pulled = (event: Record<string, unknown>, line: string) => ({ event, line, pollSeconds });
  const here = of.folder.at(of.link);
  switch (outcome.kind) {
    case "unchanged":
      remember();
      return pulled(
        { event: "unchanged", version: here?.manifest.version ?? null, folder: of.link },
        here
          ? `Version ${here.manifest.version} of ${here.manifest.name} is in ${of.link}.`
          : "Nothing is there to fetch.",
      );
    case "paused":
      return pulled(
        { event: "paused", version: here?.manifest.version ?? null },
        "Paused by its owner: what is here stays.",
      );
    case "deleted": {
      remember();
      const { deployment, version } = outcome.marker;
      const event = { event: "deleted", version, deployment, kept_version: here?.manifest.version ?? null };
      return pulled(event, `${deployment} was deleted (version ${version}). What is here stays; nothing is removed.`);
    }
    case "new": {
      const { release, before } = outcome;
      const previous = path.join(of.root, "previous");
      // The one before the previous goes with the next change: a reader who holds it has until then.
      of.folder.prune([release, before, of.folder.at(previous)]);
      if (before && before.folder !== release.folder) of.folder.point(previous, before);
      of.folder.point(of.link, release);
      remember();
      const { name, version, epoch, files } = release.manifest;
      const event = {
        event: "pulled",
        deployment: name,
        epoch,
        version,
        previous_version: before?.manifest.version ?? null,
        manifest_sha256: release.manifestSha256,
        files: files.map(({ filename }) => filename),
        folder: of.link,
      };
      return pulled(event, `Version ${version} of ${name} is in ${of.link} (${files.length} files).`);
    }
  }
}
