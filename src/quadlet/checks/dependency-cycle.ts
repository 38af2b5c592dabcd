import type { Finding } from "#core/finding.ts";
import { error, placeOfUnit, type Check, type CheckContext } from "#quadlet/checks/check.ts";
import { dependenciesOf } from "#quadlet/unit-dependencies.ts";

const CODE = "dependency_cycle";

/** Services that must run before each service: `After=` here, or `Before=` there. */
function orderOf({ bundle }: CheckContext): Map<string, Set<string>> {
  const before = new Map<string, Set<string>>(bundle.units.map((unit) => [unit.serviceName, new Set<string>()]));
  for (const unit of bundle.units) {
    for (const { relation, service } of dependenciesOf(unit, bundle)) {
      if (service === null || service === unit.serviceName) continue;
      if (relation === "After") before.get(unit.serviceName)?.add(service);
      if (relation === "Before") before.get(service)?.add(unit.serviceName);
    }
  }
  return before;
}

/** Walks each edge once; a service that is met again on its own way closes a circle. */
function cyclesOf(before: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  for (const start of before.keys()) {
    const way: { service: string; rest: string[] }[] = [{ service: start, rest: [...(before.get(start) ?? [])] }];
    const open = new Set([start]);
    for (let step = way.at(-1); step !== undefined && !done.has(start); step = way.at(-1)) {
      const next = step.rest.pop();
      if (next === undefined) {
        done.add(step.service);
        open.delete(step.service);
        way.pop();
      } else if (open.has(next)) {
        const services = way.map((one) => one.service);
        cycles.push([...services.slice(services.indexOf(next)), next]);
      } else if (!done.has(next)) {
        open.add(next);
        way.push({ service: next, rest: [...(before.get(next) ?? [])] });
      }
    }
  }
  return cycles;
}

/** systemd breaks an ordering cycle by dropping one of its services, and refuses to start one that must not be dropped. */
export const dependencyCycle: Check = {
  code: CODE,
  run: (context) => {
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
