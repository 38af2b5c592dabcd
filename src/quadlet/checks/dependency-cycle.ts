import type { Finding } from "#core/finding.ts";
import { error, placeOfUnit, type Check, type CheckContext } from "#quadlet/checks/check.ts";
import { dependenciesOf } from "#quadlet/unit-dependencies.ts";

const CODE = "dependency_cycle";

/** Services that must run before each service: `After=` here, or `Before=` there. */
function orderOf({ bundle }: CheckContext): Map<string, string[]> {
  const before = new Map<string, string[]>();
  for (const { serviceName } of bundle.units) before.set(serviceName, []);
  for (const unit of bundle.units) {
    for (const { relation, service } of dependenciesOf(unit, bundle)) {
      if (service === null || service === unit.serviceName) continue;
      if (relation === "After") before.get(unit.serviceName)?.push(service);
      if (relation === "Before") before.get(service)?.push(unit.serviceName);
    }
  }
  return before;
}

/** Walks each edge once and uses it up; a service that is met again on its own way closes a circle. */
function cyclesOf(before: ReadonlyMap<string, string[]>): string[][] {
  const cycles: string[][] = [];
  const seen = new Map<string, "open" | "done">();
  for (const start of before.keys()) {
    if (seen.has(start)) continue;
    const way = [start];
    seen.set(start, "open");
    for (let service = way.at(-1); service !== undefined; service = way.at(-1)) {
      const next = before.get(service)?.pop();
      if (next === undefined) {
        seen.set(service, "done");
        way.pop();
      } else if (seen.get(next) === "open") {
        cycles.push([...way.slice(way.indexOf(next)), next]);
      } else if (!seen.has(next)) {
        seen.set(next, "open");
        way.push(next);
      }
    }
  }
  return cycles;
}

/** systemd breaks an ordering cycle by dropping one of its services, and refuses to start one that must not be dropped. */
export const dependencyCycle: Check = {
  code: CODE,
  ofBundle: (context) => {
    const named = new Set<string>();
    return cyclesOf(orderOf(context)).flatMap((cycle): Finding[] => {
      const unit = context.bundle.byService.get(`${cycle[0] ?? ""}.service`);
      if (unit === undefined || cycle.some((service) => named.has(service))) return [];
      for (const service of cycle) named.add(service);
      const message = `Each of these waits for the next: ${cycle.join(" -> ")}. systemd leaves one of them out.`;
      return [error(CODE, placeOfUnit(unit), { message, action: "Remove one After= or Before= of the circle." })];
    });
  },
};
