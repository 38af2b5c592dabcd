import type { ServiceNode } from "#quadlet/unit-graph.ts";

export type Services = ReadonlyMap<string, ServiceNode>;

/** Services that go down with each service. */
export type Dependents = ReadonlyMap<string, readonly string[]>;

/** By name; of two with one name the later one counts, as for the generator. */
export function servicesOf(services: readonly ServiceNode[]): Map<string, ServiceNode> {
  const byName = new Map<string, ServiceNode>();
  for (const service of services) byName.set(service.name, service);
  return byName;
}

/** With these relations systemd stops or restarts a service together with the one that it names. */
const PROPAGATING = new Set(["Requires", "Requisite", "BindsTo", "PartOf"]);

/** Services that `service` goes down with. */
export function tiedTo({ dependencies }: ServiceNode): string[] {
  const found: string[] = [];
  for (const { service, relation } of dependencies)
    if (service !== null && PROPAGATING.has(relation)) found.push(service);
  return found;
}

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
    // They are sorted as they are.
    for (const before of services.get(name)?.depends_on ?? []) if (services.has(before)) visit(before);
    ordered.add(name);
  };
  for (const name of [...services.keys()].toSorted()) visit(name);
  return [...ordered];
}
