import type { LoadedBundle } from "#quadlet/load-units.ts";
import { changedFiles, changedKeys } from "#quadlet/plan/compare-units.ts";
import {
  dependentsOf,
  servicesOf,
  startOrder,
  tiedTo,
  withDependents,
  type Dependents,
  type Services,
} from "#quadlet/plan/order-services.ts";
import type { PlanReason } from "#quadlet/plan/plan.ts";
import { portRange } from "#quadlet/read-ports.ts";
import { baseName } from "#quadlet/unit-names.ts";
import { graphOf, type PublishedPort, type ServiceNode, type UnitGraph } from "#quadlet/unit-graph.ts";

/** One side of a plan. Templates start nothing by themselves and are left out of `services`. */
export type Side = {
  readonly bundle: LoadedBundle;
  readonly graph: UnitGraph;
  readonly services: Services;
  readonly dependents: Dependents;
  /** Names in the order of their start. */
  readonly order: readonly string[];
};

export function sideOf(bundle: LoadedBundle, like?: Side): Side {
  const graph = graphOf(bundle, like);
  const services = servicesOf(graph.services);
  for (const [name, service] of services) if (service.is_template) services.delete(name);
  return { bundle, graph, services, dependents: dependentsOf(services), order: startOrder(services) };
}

/** Who must stop before the new files come, who starts after them, who restarts or reloads in between, and why. */
export type Changes = {
  readonly stop: ReadonlyMap<string, PlanReason>;
  readonly start: ReadonlyMap<string, PlanReason>;
  readonly restart: ReadonlyMap<string, PlanReason>;
  readonly reload: ReadonlyMap<string, PlanReason>;
  /** Services of networks that must be removed and made again. */
  readonly recreate: ReadonlyMap<string, PlanReason>;
  /** Services of `restart` that systemd restarts by itself, with what they require. */
  readonly implied: ReadonlySet<string>;
};

const RUNNERS = new Set(["container", "pod", "kube"]);
export const isRunner = (service: ServiceNode): boolean => RUNNERS.has(service.type);

type Difference = {
  readonly keys: readonly string[];
  readonly files: readonly string[];
  readonly isReloadable: boolean;
};

const unitOf = ({ bundle }: Side, service: ServiceNode) => bundle.byName.get(baseName(service.quadlet_file));

function differenceOf(from: [Side, ServiceNode], to: [Side, ServiceNode]): Difference | null {
  // Graphs share the services that are the same in both renders.
  if (from[1] === to[1]) return null;
  const [before, after] = [unitOf(...from), unitOf(...to)];
  if (before === undefined || after === undefined) return null;
  const keys = changedKeys([before, from[0].bundle], [after, to[0].bundle]);
  const files = changedFiles([before, from[0].bundle], [after, to[0].bundle]);
  if (keys.length === 0 && files.length === 0) return null;
  const { view, section } = after;
  const canReload =
    view.lastWords(section, "ReloadCmd").length > 0 || (view.string(section, "ReloadSignal") ?? "") !== "";
  const areMounted = files.every((file) => file.key === "Volume" || file.key === "Mount");
  return {
    keys,
    files: files.map((file) => file.filename),
    isReloadable: canReload && keys.length === 0 && areMounted,
  };
}

const reasonOf = ({ keys, files }: Difference): PlanReason =>
  keys.length > 0
    ? { code: "changed_keys", because: [...keys, ...files] }
    : { code: "changed_files", because: [...files] };

/** Keys of the unit's own section alone decide what a volume, network or image is. */
const ownKeys = (keys: readonly string[]) => keys.filter((key) => !key.includes("."));

function overlap(a: PublishedPort, b: PublishedPort): boolean {
  if (a.host_port === null || b.host_port === null || a.protocol !== b.protocol) return false;
  if (a.host_port === b.host_port) return true;
  const [one, two] = [portRange(a.host_port), portRange(b.host_port)];
  // Specifiers are known to systemd only, and differ as they are written.
  return one !== null && two !== null && one.from <= two.to && two.from <= one.to;
}

const claims = (service: ServiceNode | undefined, port: PublishedPort) =>
  service !== undefined && service.ports.some((one) => overlap(one, port));

/** Ports of the new render that their service did not have before. */
function newClaims(old: Side, next: Side): { taker: string; port: PublishedPort }[] {
  const found: { taker: string; port: PublishedPort }[] = [];
  for (const taker of next.services.values()) {
    const before = old.services.get(taker.name);
    if (before === taker) continue;
    for (const port of taker.ports)
      if (port.host_port !== null && !claims(before, port)) found.push({ taker: taker.name, port });
  }
  return found;
}

/** Services whose old process holds what another one of the new render needs at its start: a port, or a container's name. */
function handOvers(old: Side, next: Side): Map<string, PlanReason> {
  const found = new Map<string, PlanReason>();
  const add = (holder: string, what: string, taker: string) =>
    found.set(holder, { code: "port_moves", because: [`${what} to ${taker}`] });
  for (const { taker, port } of newClaims(old, next)) {
    for (const holder of old.services.values()) {
      if (holder.name === taker || !claims(holder, port) || claims(next.services.get(holder.name), port)) continue;
      add(holder.name, port.host_port ?? "", taker);
    }
  }
  const holders = new Map(
    [...old.services.values()].filter(isRunner).map((service) => [service.resource_name, service]),
  );
  for (const taker of next.services.values()) {
    const name = taker.resource_name;
    const holder = name === null || !isRunner(taker) ? undefined : holders.get(name);
    if (holder === undefined || name === null || holder.name === taker.name) continue;
    const hadIt = old.services.get(taker.name)?.resource_name === name;
    if (!hadIt && next.services.get(holder.name)?.resource_name !== name) add(holder.name, name, taker.name);
  }
  return found;
}

function usersOfNetwork(service: string, side: Side): string[] {
  const name = side.services.get(service)?.resource_name ?? null;
  const users = [...side.services.values()].filter((one) => one.networks.some((use) => use.name === name));
  return users.map((user) => user.name);
}

/** Services that exist on both sides and differ, sorted by what has to happen to them. */
function compareSides(old: Side, next: Side) {
  const recreate = new Map<string, PlanReason>();
  const restart = new Map<string, PlanReason>();
  const reload = new Map<string, PlanReason>();
  const renamed = new Map<string, PlanReason>();
  for (const [name, after] of next.services) {
    const before = old.services.get(name);
    if (before === undefined) continue;
    const difference = differenceOf([old, before], [next, after]);
    if (difference === null) continue;
    const reason = reasonOf(difference);
    if (isRunner(after) || before.type !== after.type) {
      if (before.resource_name !== after.resource_name || before.type !== after.type) renamed.set(name, reason);
      else if (difference.isReloadable) reload.set(name, reason);
      else restart.set(name, reason);
    } else if (after.type === "network") {
      if (ownKeys(difference.keys).length > 0)
        recreate.set(name, { code: "network_changed", because: ownKeys(difference.keys) });
    } else if (after.type === "volume") {
      if (before.resource_name !== after.resource_name) restart.set(name, reason);
    } else if (ownKeys(difference.keys).length > 0 || difference.files.length > 0) {
      restart.set(name, { ...reason, code: "changed_image" });
    }
  }
  return { recreate, restart, reload, renamed };
}

export function classifyChanges(old: Side, next: Side): Changes {
  const { recreate, restart, reload, renamed } = compareSides(old, next);
  const stop = new Map<string, PlanReason>();
  for (const name of old.services.keys()) {
    if (!next.services.has(name)) stop.set(name, { code: "removed_service", because: [] });
  }
  for (const [name, reason] of renamed) stop.set(name, reason);
  for (const [name, reason] of recreate) {
    stop.set(name, reason);
    for (const user of usersOfNetwork(name, old))
      if (!stop.has(user)) stop.set(user, { code: "dependency_restarts", because: [name] });
  }
  for (const [name, reason] of handOvers(old, next)) if (!stop.has(name)) stop.set(name, reason);
  for (const [name, from] of withDependents(old.dependents, stop.keys())) {
    if (!stop.has(name)) stop.set(name, { code: "dependency_restarts", because: from === null ? [] : [from] });
  }

  const start = new Map<string, PlanReason>();
  for (const name of next.services.keys()) {
    const stopped = stop.get(name);
    if (stopped !== undefined) start.set(name, restart.get(name) ?? stopped);
    else if (!old.services.has(name)) start.set(name, { code: "new_service", because: [] });
  }
  const restarted = new Map([...restart].filter(([name]) => !start.has(name)));
  for (const [name, from] of withDependents(next.dependents, [...restarted.keys()])) {
    if (from === null || start.has(name)) continue;
    restarted.set(name, reload.get(name) ?? { code: "dependency_restarts", because: [from] });
  }
  const reloaded = new Map([...reload].filter(([name]) => !start.has(name) && !restarted.has(name)));
  return { stop, start, restart: restarted, reload: reloaded, recreate, implied: impliedOf(next, restarted) };
}

/** systemd restarts what requires a service that it has just restarted; of a circle the first one is restarted by hand. */
function impliedOf(next: Side, restarted: ReadonlyMap<string, PlanReason>): Set<string> {
  const position = new Map(next.order.map((name, index) => [name, index]));
  const isEarlier = (name: string, than: string) => (position.get(name) ?? 0) < (position.get(than) ?? 0);
  return new Set(
    [...restarted.keys()].filter((name) => {
      const service = next.services.get(name);
      return service !== undefined && tiedTo(service).some((other) => restarted.has(other) && isEarlier(other, name));
    }),
  );
}
