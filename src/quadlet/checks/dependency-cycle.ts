import type { Finding } from "#core/finding.ts";
import { error, placeOfUnit, type Check, type CheckContext } from "#quadlet/checks/check.ts";
import { dependenciesOf } from "#quadlet/unit-dependencies.ts";

const CODE = "dependency_cycle";

/** Services that must run before each service: `After=` here, or `Before=` there. */
function orderOf({ bundle, references }: CheckContext): Map<string, Set<string>> {
  const before = new Map<string, Set<string>>(bundle.units.map((unit) => [unit.serviceName, new Set<string>()]));
  for (const unit of bundle.units) {
    for (const { relation, service } of dependenciesOf(unit, references.get(unit) ?? [], bundle)) {
      if (service === null || service === unit.serviceName) continue;
      if (relation === "After") before.get(unit.serviceName)?.add(service);
      if (relation === "Before") before.get(service)?.add(unit.serviceName);
    }
  }
  return before;
}

/** The first cycle that a walk from `start` comes back to `start` by; null when there is none. */
function cycleFrom(start: string, before: ReadonlyMap<string, ReadonlySet<string>>): string[] | null {
  const seen = new Set<string>();
  const stack: { service: string; path: string[] }[] = [{ service: start, path: [start] }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    for (const service of before.get(next.service) ?? []) {
      if (service === start) return [...next.path, start];
      if (seen.has(service)) continue;
      seen.add(service);
      stack.push({ service, path: [...next.path, service] });
    }
  }
  return null;
}

/** systemd breaks an ordering cycle by dropping one of its services, and refuses to start one that must not be dropped. */
export const dependencyCycle: Check = {
  code: CODE,
  run: (context) => {
    const before = orderOf(context);
    const named = new Set<string>();
    return context.bundle.units.flatMap((unit): Finding[] => {
      if (named.has(unit.serviceName)) return [];
      const cycle = cycleFrom(unit.serviceName, before);
      if (cycle === null) return [];
      for (const service of cycle) named.add(service);
      const message = `Each of these waits for the next: ${cycle.join(" -> ")}. systemd leaves one of them out.`;
      return [error(CODE, placeOfUnit(unit), { message, action: "Remove one After= or Before= of the circle." })];
    });
  },
};
