import os from "node:os";
import path from "node:path";
import { type Applied, applyRelease, item } from "../apply/apply-release.ts";
import { podmanWarning, readPodmanVersion, requireSecrets } from "../apply/check-machine.ts";
import { readJournal } from "../apply/journal.ts";
import { type ApplyPlan, owedSteps, planApply } from "../apply/plan-apply.ts";
import { type ReportItem, makeReporter } from "../apply/reporter.ts";
import { dryRunUnits, findGenerator } from "../apply/system.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { type Call, leaf } from "../leaf.ts";
import { style } from "../output.ts";
import { type Which, pollLatest } from "../release/fetch-release.ts";
import { type Following, type Marker, followLatest } from "../release/follow-latest.ts";
import { holdFolder } from "../release/hold-folder.ts";
import { type Release, releaseFolder } from "../release/release-folder.ts";
import { dataFolder, fromHere } from "../settings.ts";
import { describeDevice } from "./describe-device.ts";
import { planLines } from "./plan-lines.ts";

type Options = {
  namespace?: string;
  units?: string;
  quadlet?: string;
  dryRun?: true;
  acceptDataRisks?: true;
  remove?: true;
};

export const applyCommand = () =>
  leaf<Options>({
    name: "apply",
    description: "Make this machine run the newest version: fetch, verify, dry run, swap, start what changed, report.",
    declare: (command) =>
      command
        .argument("[deployment]", "its name; needed where the workspace has had more than one")
        .option("--namespace <path>", "its namespace")
        .option("--units <folder>", "where systemd's user generator looks (default: ~/.config/containers/systemd)")
        .option("--quadlet <program>", "the quadlet generator (default: LEGER_QUADLET, or where Podman installs it)")
        .option("--dry-run", "fetch, verify and let the generator judge; say the steps and do none")
        .option("--accept-data-risks", "go on where the plan names a risk for data")
        .option("--remove", "where the deployment was deleted: stop its services and take its units away"),
    examples: ["leger apply openwebui --dry-run", "leger apply openwebui", "leger apply openwebui --json | jq .state"],
    run: async (call) => {
      const folder = path.join(dataFolder(), "deployments");
      await holdFolder(folder, () => applyLatest(call, folder));
    },
  });

/** What one run of `apply` works with. */
type Run = Call<Options> & { of: Following; units: string };

async function applyLatest(call: Call<Options>, folder: string): Promise<void> {
  const which: Which = { deployment: call.args[0], namespace: call.options.namespace };
  const named = which.deployment === undefined ? (await pollLatest(call.api, which, null)).latest : null;
  const deployment = which.deployment ?? named?.deployment ?? "";
  const place = [...(which.namespace ?? named?.namespace ?? "/").split("/"), deployment]
    .filter((part) => part !== "")
    .join("-");
  const root = path.join(folder, place);
  const config = process.env["XDG_CONFIG_HOME"] || path.join(os.homedir(), ".config");
  const units =
    call.options.units === undefined ? path.join(config, "containers/systemd") : fromHere(call.options.units);
  const of: Following = {
    api: call.api,
    folder: releaseFolder(root),
    root,
    link: path.join(units, `leger-${place}`),
    which: { ...which, deployment },
    say: call.out.progress,
  };
  const run: Run = { ...call, of, units };
  const { outcome, remember } = await followLatest(of);
  const here = of.folder.at(of.link);
  switch (outcome.kind) {
    case "new":
      await install(run, { next: outcome.release, before: outcome.before });
      break;
    case "unchanged":
      if (here) await install(run, { next: here, before: here });
      else throw new CliError(EXIT.failed, { code: "nothing_installed", message: "There is nothing to install." });
      break;
    case "paused":
      call.out.result({ state: "paused", version: here?.manifest.version ?? null }, [
        "Paused by its owner: what runs stays.",
      ]);
      break;
    case "deleted":
      await remove(run, { marker: outcome.marker, here });
      break;
  }
  remember();
}

async function install(run: Run, { next, before }: { next: Release; before: Release | null }): Promise<void> {
  const { out, api, of, session } = run;
  const podmanVersion = await readPodmanVersion();
  const warning = podmanWarning(podmanVersion, next.manifest.inputs.podman_target);
  if (warning) out.warning(warning);
  const { version } = next.manifest;
  const reporter = makeReporter(api, out.warning);
  const drifted = before !== null && before !== next && before.manifest.version === version;
  const report = (rest: Omit<Parameters<typeof reporter.report>[0], "version" | "manifest_sha256" | "drifted">) =>
    reporter.report({ version, manifest_sha256: next.manifestSha256, drifted, ...rest });

  const judged = await judge(run, next);
  if (judged.problems !== null) {
    if (!run.options.dryRun) await report({ state: "failed", steps: [judged.item], units: [], error: judged.problems });
    throw new CliError(EXIT.failed, {
      code: "dry_run_failed",
      message: `This machine's generator refuses version ${version}; nothing was changed:\n${judged.problems}`,
      action:
        "Correct the configuration, or save it for this machine's Podman: leger config save NAME --podman VERSION",
    });
  }
  const plan = planFor(of, { next, before });
  if (run.options.dryRun) {
    out.result({ state: "planned", version, podman: podmanVersion, ...plan }, planLines({ ...plan, unchanged: [] }));
    return;
  }
  await requireSecrets(next.manifest);
  refuseRisks(plan, run.options);
  await describeDevice({ api, session, podmanVersion, warn: out.warning });
  await report({ state: "fetched", steps: [judged.item], units: [], error: null });
  const applied = await applyRelease({
    root: of.root,
    link: of.link,
    folder: of.folder,
    next,
    plan,
    done: [judged.item],
    out,
    report,
  });
  const previous = path.join(of.root, "previous");
  if (before && before.folder !== next.folder) of.folder.point(previous, before);
  if (applied.error === null) of.folder.prune([next, of.folder.at(previous)]);
  conclude(run, applied, { version, name: next.manifest.name });
}

async function remove(run: Run, { marker, here }: { marker: Marker; here: Release | null }): Promise<void> {
  const { out, api, of } = run;
  const { deployment, version } = marker;
  const journal = readJournal(of.root);
  if (!here && !journal) {
    out.result({ state: "removed", version }, [
      `${deployment} was deleted (version ${version}), and nothing of it is installed.`,
    ]);
    return;
  }
  if (!run.options.remove || run.options.dryRun) {
    const kept = here ? `Version ${here.manifest.version} stays as it is` : "What is left of it stays";
    const text = `${deployment} was deleted (version ${version}). ${kept}; nothing is removed unasked.`;
    out.result({ state: "deleted", version, installed_version: here?.manifest.version ?? null }, [
      text,
      `To stop and remove it (volumes stay): leger apply ${deployment} --remove`,
    ]);
    return;
  }
  const reporter = makeReporter(api, out.warning);
  const plan = planFor(of, { next: null, before: here });
  const applied = await applyRelease({
    ...of,
    next: null,
    plan,
    done: [],
    out,
    report: (rest) => reporter.report({ version, manifest_sha256: marker.manifest_sha256, drifted: false, ...rest }),
  });
  conclude(run, applied, { version, name: deployment });
}

function planFor(
  { root, folder, link }: Following,
  { next, before }: { next: Release | null; before: Release | null },
): ApplyPlan {
  const journal = readJournal(root);
  const isSwapped = (folder.at(link)?.folder ?? null) === journal?.next;
  return planApply({ before, next, owed: journal ? owedSteps({ isSwapped, steps: journal.steps }) : [] });
}

/** This machine's own generator decides whether the staged units become services, before anything is swapped. */
async function judge({ options, out }: Run, next: Release): Promise<{ item: ReportItem; problems: string | null }> {
  const generator = findGenerator(options.quadlet);
  if (generator === null) {
    out.warning("There is no quadlet generator here, so the units are not tried before the swap.");
    return { item: item("dry_run quadlet", { state: "skipped", detail: "no generator found" }), problems: null };
  }
  const { isAccepted, problems } = await dryRunUnits(generator, next.folder);
  if (!isAccepted) return { item: item("dry_run quadlet", { state: "failed", detail: problems }), problems };
  out.progress(`${generator} takes every unit`);
  return { item: item("dry_run quadlet", { state: "ok", detail: null }), problems: null };
}

function refuseRisks({ risks }: ApplyPlan, { acceptDataRisks }: Options): void {
  if (risks.length === 0 || acceptDataRisks) return;
  throw new CliError(EXIT.failed, {
    code: "data_at_risk",
    message: `Data is at risk, and nothing was changed: ${risks.map(({ text }) => text).join(" ")}`,
    action: "Look at the plan (--dry-run), make a backup, and run it with --accept-data-risks.",
  });
}

function conclude({ out }: Run, applied: Applied, { version, name }: { version: number; name: string }): void {
  if (applied.error !== null)
    throw new CliError(EXIT.failed, {
      code: "apply_failed",
      message: `Version ${version} of ${name} is not healthy: ${applied.error}`,
      action:
        "Look at `systemctl --user status` and `journalctl --user`, mend the cause, and run leger apply again: it takes up what is left.",
      details: [...applied.steps, ...applied.units].map((one) => ({ ...one })),
    });
  const isRemoved = applied.state === "removed";
  const count = applied.units.length;
  out.result({ state: applied.state, version, deployment: name, steps: applied.steps, units: applied.units }, [
    isRemoved
      ? `${style("green", "✓")} ${name} is removed from this machine; its volumes are still there.`
      : `${style("green", "✓")} ${name} version ${version} is ${applied.state}: ${count} ${count === 1 ? "service" : "services"}.`,
  ]);
}
