import { loadUnits, type BundleFile, type LoadedBundle } from "#quadlet/load-units.ts";
import { classifyChanges, isRunner, sideOf, type Changes, type Side } from "#quadlet/plan/classify-changes.ts";
import { meanTheSame } from "#quadlet/plan/compare-units.ts";
import { dataRisks } from "#quadlet/plan/data-risks.ts";
import type { Plan, PlanAction, PlanReason, PlanStep } from "#quadlet/plan/plan.ts";
import { PODMAN_TARGET_DEFAULT } from "#quadlet/podman-version.ts";
import { baseName } from "#quadlet/unit-names.ts";
import { UnitView } from "#quadlet/unit-view.ts";

/** The Podman that each render was made for. */
export type PlanOptions = { readonly oldPodman?: string; readonly newPodman?: string };

const VERBS: Readonly<Record<PlanAction, string>> = {
  pull: "Pull",
  create_secret: "Create the secret",
  stop: "Stop",
  remove: "Remove the network",
  install: "Install",
  recreate_network: "Remove and make again the network of",
  start: "Start",
  restart: "Restart",
  reload: "Reload",
};

function inWords({ code, because }: PlanReason): string {
  const list =
    because.length > 6 ? `${because.slice(0, 5).join(", ")} and ${because.length - 5} more` : because.join(", ");
  switch (code) {
    case "new_image":
      return "new image";
    case "new_secret":
      return `needed by ${list}`;
    case "new_service":
      return "new";
    case "removed_service":
      return "no longer part of the deployment";
    case "removed_network":
      return "nothing uses it any more";
    case "changed_keys":
    case "changed_files":
    case "changed_image":
    case "changed_units":
      return `${list} changed`;
    case "network_changed":
      return `${list} changed, and a network takes changes only when it is made`;
    case "dependency_restarts":
      return `requires ${list}`;
    case "port_moves":
      return `gives up ${list}`;
  }
}

function step(action: PlanAction, target: string, reason: PlanReason): PlanStep {
  return { action, target, reason, is_implied: false, text: `${VERBS[action]} ${target}: ${inWords(reason)}.` };
}

/** Images come from a registry unless the bundle builds them. */
function imagesOf({ services }: Side): Set<string> {
  const images = new Set<string>();
  for (const { image, image_file, type } of services.values()) {
    const isBuilt = type === "build" || (image_file?.endsWith(".build") ?? false);
    if (image !== null && !isBuilt && type !== "artifact" && !image.startsWith("localhost/")) images.add(image);
  }
  return images;
}

function secretUsers({ graph }: Side): Map<string, string[]> {
  const users = new Map<string, string[]>();
  for (const { name, used_by } of graph.secrets) {
    users.set(name, [...new Set([...(users.get(name) ?? []), ...used_by])].toSorted());
  }
  return users;
}

function preparations(old: Side, next: Side): PlanStep[] {
  const known = imagesOf(old);
  const pulls = [...imagesOf(next)].filter((image) => !known.has(image)).toSorted();
  const had = secretUsers(old);
  const secrets = [...secretUsers(next)].filter(([name]) => !had.has(name)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...pulls.map((image) => step("pull", image, { code: "new_image", because: [] })),
    ...secrets.map(([name, because]) => step("create_secret", name, { code: "new_secret", because })),
  ];
}

function stops(old: Side, next: Side, changes: Changes): PlanStep[] {
  const stopped = old.order.toReversed().flatMap((name) => {
    const reason = changes.stop.get(name);
    return reason === undefined ? [] : [step("stop", name, reason)];
  });
  const kept = new Set(next.graph.networks.map((network) => network.name));
  const gone = old.graph.networks.filter((network) => !kept.has(network.name) && !next.services.has(network.service));
  return [...stopped, ...gone.map((network) => step("remove", network.name, { code: "removed_network", because: [] }))];
}

/** Networks come first: whatever starts next may pull their services in, and so hold the old network fast. */
function runs(next: Side, changes: Changes): PlanStep[] {
  const networks = [...changes.recreate].map(([name, reason]) => step("recreate_network", name, reason));
  const others = next.order.flatMap((name): PlanStep[] => {
    if (changes.recreate.has(name)) return [];
    const started = changes.start.get(name);
    if (started !== undefined) return [step("start", name, started)];
    const restarted = changes.restart.get(name);
    if (restarted !== undefined)
      return [{ ...step("restart", name, restarted), is_implied: changes.implied.has(name) }];
    const reloaded = changes.reload.get(name);
    return reloaded === undefined ? [] : [step("reload", name, reloaded)];
  });
  return [...networks, ...others];
}

/** What a unit or drop-in says, on its own; null for other files. */
function viewOf({ bundle }: Side, filename: string): UnitView | null {
  const unit = bundle.byName.get(baseName(filename));
  if (unit?.filename === filename && unit.dropIns.length === 0) return unit.view;
  const dropIns = filename.endsWith(".conf") ? bundle.units.flatMap((one) => one.dropIns) : [];
  const file = unit?.filename === filename ? unit.file : dropIns.find((one) => one.filename === filename);
  return file === undefined ? null : new UnitView([file], bundle.podman);
}

function isChanged(old: Side, next: Side, filename: string): boolean {
  if (old.bundle.texts.get(filename) === next.bundle.texts.get(filename)) return false;
  const [before, after] = [viewOf(old, filename), viewOf(next, filename)];
  return before === null || after === null || !meanTheSame(before, after);
}

/** Files whose text differs in more than comments and [X-...], which a device need not install for their own sake. */
function changedNames(old: Side, next: Side): string[] {
  const names = new Set([...old.bundle.texts.keys(), ...next.bundle.texts.keys()]);
  return [...names].filter((name) => isChanged(old, next, name)).toSorted();
}

/**
 * What a device does when the new render replaces the old one (null: nothing is installed yet): ordered steps with the reason for
 * each, and before them what may happen to data. Volumes are never removed. A render over itself, or one that differs in comments and
 * [X-...] sections only, gives no steps. Pure; findings in either render do not stop it.
 */
export function planBetween(
  oldFiles: readonly BundleFile[] | null,
  newFiles: readonly BundleFile[],
  options: PlanOptions = {},
): Plan {
  const newPodman = options.newPodman ?? PODMAN_TARGET_DEFAULT;
  const oldPodman = options.oldPodman ?? newPodman;
  const old = loadUnits(oldFiles ?? [], oldPodman);
  return planBundles(old, loadUnits(newFiles, newPodman, old));
}

/** The same for bundles that are already loaded; cheaper when one was loaded with the other as its `like`. */
export function planBundles(oldBundle: LoadedBundle, newBundle: LoadedBundle): Plan {
  const next = sideOf(newBundle);
  const old = sideOf(oldBundle, next);
  const changes = classifyChanges(old, next);
  const names = changedNames(old, next);
  const before = [...preparations(old, next), ...stops(old, next, changes)];
  const after = runs(next, changes);
  const install = names.length > 0 ? [step("install", "files", { code: "changed_units", because: names })] : [];
  const steps = [...before, ...install, ...after];
  const touched = new Set(steps.map((one) => one.target));
  const runners = [...next.services.values()].filter((service) => isRunner(service) && !touched.has(service.name));
  return {
    format: 1,
    risks: dataRisks(old.graph, next.graph),
    steps,
    unchanged: runners.map((service) => service.name).toSorted(),
  };
}
