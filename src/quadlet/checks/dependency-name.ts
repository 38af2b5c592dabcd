import type { Finding } from "#core/finding.ts";
import { didYouMean } from "#core/did-you-mean.ts";
import { error, placeOf, warning, type Check, type CheckContext } from "#quadlet/checks/check.ts";
import { isAtLeast } from "#quadlet/podman-version.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";
import { TRANSLATED_SINCE, writtenDependencies, type WrittenDependency } from "#quadlet/unit-dependencies.ts";
import { unitTypeOf } from "#quadlet/unit-names.ts";

const CODE = "dependency_name";
/** With these, systemd refuses to start a unit whose dependency does not exist. */
const FATAL = new Set(["Requires", "Requisite", "BindsTo"]);
/** Targets, sockets and the like come from the system, and specifiers are known to systemd only. */
const isFromElsewhere = (name: string) => !name.endsWith(".service") || name.includes("%");

function checkFileName(dependency: WrittenDependency, { bundle, podman }: CheckContext): Finding[] {
  const { relation, written, assignment, offset } = dependency;
  const place = placeOf(assignment, offset);
  const unit = bundle.byName.get(written);
  const service = unit === undefined ? null : `${unit.serviceName}.service`;
  if (isAtLeast(podman, TRANSLATED_SINCE)) {
    if (unit !== undefined) return [];
    const near = didYouMean(written, bundle.byName.keys());
    const message = `${relation}= names ${written}, and no such file is here. Podman refuses the unit.`;
    return [
      error(CODE, place, {
        message,
        action: near === null ? "Name a file of the bundle or a .service." : `Did you mean ${near}?`,
      }),
    ];
  }
  const message = `Podman ${podman} does not translate ${written} in [Unit] (5.5 does), and systemd ignores such a name.`;
  return [warning(CODE, place, { message, action: `Write ${service ?? "the service's name, ending in .service"}.` })];
}

function checkServiceName(
  { relation, unit: name, assignment, offset }: WrittenDependency,
  context: CheckContext,
): Finding[] {
  const place = placeOf(assignment, offset);
  const { bundle } = context;
  const file = name.slice(0, -".service".length);
  const meant = bundle.byName.get(file);
  if (unitTypeOf(file) !== null) {
    const make = FATAL.has(relation) ? error : warning;
    const right = meant === undefined ? file.replace(/\.(\w+)$/, "-$1") : meant.serviceName;
    const action =
      unitTypeOf(file) === "container"
        ? `Write ${file.replace(/\.container$/, "")}.service.`
        : `Write ${right}.service.`;
    return [make(CODE, place, { message: `Nobody makes a unit called ${name}: ${relation}= never finds it.`, action })];
  }
  const near = didYouMean(name, bundle.byService.keys());
  if (near === null) return [];
  const message = `The bundle makes no ${name}; if the device has none either, ${relation}= finds nothing.`;
  return [warning(CODE, place, { message, action: `Did you mean ${near}?` })];
}

function check(unit: LoadedUnit, context: CheckContext): Finding[] {
  const unresolved = writtenDependencies(unit, context.bundle).filter((dependency) => dependency.target === null);
  return unresolved.flatMap((dependency) => {
    if (unitTypeOf(dependency.written) !== null) return checkFileName(dependency, context);
    return isFromElsewhere(dependency.unit) ? [] : checkServiceName(dependency, context);
  });
}

/** Names in [Unit] that no unit will have: files before 5.5, `x.network.service`, and near misses. */
export const dependencyName: Check = {
  code: CODE,
  ofUnit: { run: check },
};
