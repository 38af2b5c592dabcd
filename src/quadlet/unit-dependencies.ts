import type { LoadedBundle, LoadedUnit } from "#quadlet/load-units.ts";
import type { Assignment } from "#quadlet/parse-unit.ts";
import { isAtLeast } from "#quadlet/podman-version.ts";
import { referencesOf, type Reference } from "#quadlet/references.ts";
import { splitWords } from "#quadlet/split-words.ts";
import { namePartsOf, unitTypeOf } from "#quadlet/unit-names.ts";

/** The keys of [Unit] that name other units, and that Podman 5.5 translates from `x.container` to `x.service`. */
export const DEPENDENCY_KEYS = [
  "After",
  "Before",
  "BindsTo",
  "Conflicts",
  "OnFailure",
  "OnSuccess",
  "PartOf",
  "PropagatesReloadTo",
  "PropagatesStopTo",
  "ReloadPropagatedFrom",
  "Requires",
  "Requisite",
  "StopPropagatedFrom",
  "Upholds",
  "Wants",
] as const;
export type DependencyKey = (typeof DEPENDENCY_KEYS)[number];

export const TRANSLATED_SINCE = "5.5.0";

/** One edge between systemd units, as it will stand in the generated service. */
export type Dependency = {
  relation: DependencyKey;
  /** The unit as systemd will read it: `postgres.service`, `network-online.target`. */
  unit: string;
  /** The bundle's service of that name, without `.service`; null for units from elsewhere, and for ones that nobody makes. */
  service: string | null;
  /** `reference`: the generator adds it for `Network=`, `Volume=`, `Image=`, `Pod=`; `unit`: it is written in [Unit]. */
  origin: "reference" | "unit";
};

export type WrittenDependency = {
  readonly relation: DependencyKey;
  readonly written: string;
  readonly unit: string;
  readonly target: LoadedUnit | null;
  readonly assignment: Assignment;
  readonly offset: number;
};

/** `foo@bar.service` is made from the template's `foo@.service`. */
export function serviceUnit(name: string, bundle: LoadedBundle): LoadedUnit | null {
  const exact = bundle.byService.get(name);
  if (exact !== undefined) return exact;
  const { stem, instance } = namePartsOf(name);
  return instance === "" ? null : (bundle.byService.get(`${stem}@.service`) ?? null);
}

/** What is written in [Unit], translated where the bundle's Podman does so. Found once for each unit. */
export function writtenDependencies(unit: LoadedUnit, bundle: LoadedBundle): readonly WrittenDependency[] {
  const known = bundle.memory.dependencies.get(unit) ?? readDependencies(unit, bundle);
  bundle.memory.dependencies.set(unit, known);
  return known;
}

function readDependencies({ view }: LoadedUnit, bundle: LoadedBundle): WrittenDependency[] {
  const isTranslating = isAtLeast(bundle.podman, TRANSLATED_SINCE);
  const keys = view.keys("Unit");
  return DEPENDENCY_KEYS.filter((relation) => keys.includes(relation)).flatMap((relation) =>
    view.written("Unit", relation).flatMap((assignment) =>
      splitWords(assignment.value, "words").words.flatMap(({ text, offset }): WrittenDependency[] => {
        const isFile = isTranslating && unitTypeOf(text) !== null;
        // systemd keeps quotes here, and then ignores the name; the generator takes them off when it translates.
        if (!isFile && /["']/.test(assignment.value.charAt(offset))) return [];
        // The generator honours an empty assignment, systemd does not.
        if (isFile && !view.all("Unit", relation).includes(assignment)) return [];
        const named = isFile ? bundle.byName.get(text) : undefined;
        const unit = named === undefined ? text : `${named.serviceName}.service`;
        return [{ relation, written: text, unit, target: serviceUnit(unit, bundle), assignment, offset }];
      }),
    ),
  );
}

/** Every edge of the unit: what the generator adds, and what is written. Found once for each unit. */
export function dependenciesOf(unit: LoadedUnit, bundle: LoadedBundle): Dependency[] {
  const known = bundle.memory.edges.get(unit) ?? findDependencies(unit, referencesOf(unit, bundle), bundle);
  bundle.memory.edges.set(unit, known);
  return known;
}

function findDependencies(unit: LoadedUnit, references: readonly Reference[], bundle: LoadedBundle): Dependency[] {
  const found: Dependency[] = [];
  const add = (dependency: Dependency) => {
    const isKnown = found.some((one) => one.unit === dependency.unit && one.relation === dependency.relation);
    if (!isKnown) found.push(dependency);
  };
  for (const { target, key } of references) {
    if (target === null) continue;
    const service = target.serviceName;
    const edge = { unit: `${service}.service`, service, origin: "reference" } as const;
    add({ relation: key === "Pod" ? "BindsTo" : "Requires", ...edge });
    add({ relation: "After", ...edge });
  }
  for (const { relation, unit: name, target } of writtenDependencies(unit, bundle)) {
    add({ relation, unit: name, service: target?.serviceName ?? null, origin: "unit" });
  }
  if (unit.type === "pod") {
    for (const member of bundle.units) {
      if (member.type !== "container" || member.view.string("Container", "Pod") !== unit.basename) continue;
      if (member.view.bool("Container", "StartWithPod") === false) continue;
      const edge = { unit: `${member.serviceName}.service`, service: member.serviceName, origin: "reference" } as const;
      add({ relation: "Wants", ...edge });
      add({ relation: "Before", ...edge });
    }
  }
  return found;
}
