import type { ServiceNode, UnitGraph } from "#quadlet/unit-graph.ts";

export type Services = ReadonlyMap<string, ServiceNode>;

/** Services that go down with each service. */
export type Dependents = ReadonlyMap<string, readonly string[]>;

export const servicesOf = (graph: UnitGraph): Services =>
  new Map(graph.services.map((service) => [service.name, service]));

/** With these relations systemd stops or restarts a service together with the one that it names. */
const PROPAGATING = new Set(["Requires", "Requisite", "BindsTo", "PartOf"]);

/** Services that `service` goes down with. */
export const tiedTo = (service: ServiceNode): string[] =>
  service.dependencies.flatMap((one) => (one.service !== null && PROPAGATING.has(one.relation) ? [one.service] : []));

export function dependentsOf(services: Services): Dependents {
  const dependents = new Map<string, string[]>();
  for (const service of services.values()) {
    for (const other of tiedTo(service)) {
      const list = dependents.get(other);
      if (list === undefined) dependents.set(other, [service.name]);
      else list.push(service.name);
    }
  }
  return dependents;
}

/** Names in `of`, and everything that systemd takes down with them, with the service that brings it into the set. */
export function withDependents(dependents: Dependents, of: Iterable<string>): Map<string, string | null> {
  const found = new Map<string, string | null>([...of].map((name) => [name, null]));
  const queue = [...found.keys()];
  // The queue grows while it is walked.
  for (const name of queue) {
    for (const dependent of dependents.get(name) ?? []) {
      if (found.has(dependent)) continue;
      found.set(dependent, name);
      queue.push(dependent);
    }
  }
  return found;
}

/** Each service after those that must run before it, and by name where that leaves a choice; circles are cut anywhere. */
export function startOrder(services: Services): string[] {
  const ordered = new Set<string>();
  const open = new Set<string>();
  const visit = (name: string) => {
    if (ordered.has(name) || open.has(name)) return;
    open.add(name);
    for (const before of [...(services.get(name)?.depends_on ?? [])].toSorted())
      if (services.has(before)) visit(before);
    ordered.add(name);
  };
  for (const name of [...services.keys()].toSorted()) visit(name);
  return [...ordered];
}
