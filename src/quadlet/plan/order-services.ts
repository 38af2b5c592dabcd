import type { ServiceNode, UnitGraph } from "#quadlet/unit-graph.ts";

export type Services = ReadonlyMap<string, ServiceNode>;

export const servicesOf = (graph: UnitGraph): Services =>
  new Map(graph.services.map((service) => [service.name, service]));

/** With these relations systemd stops or restarts a service together with the one that it names. */
const PROPAGATING = new Set(["Requires", "Requisite", "BindsTo", "PartOf"]);

/** Names in `of`, and everything that systemd takes down with them, with the service that brings it into the set. */
export function withDependents(services: Services, of: Iterable<string>): Map<string, string | null> {
  const found = new Map<string, string | null>([...of].map((name) => [name, null]));
  const queue = [...found.keys()];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    for (const service of services.values()) {
      if (found.has(service.name)) continue;
      if (!service.dependencies.some((one) => one.service === name && PROPAGATING.has(one.relation))) continue;
      found.set(service.name, name);
      queue.push(service.name);
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
