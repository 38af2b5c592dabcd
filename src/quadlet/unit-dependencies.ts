import type { LoadedBundle, LoadedUnit } from "#quadlet/load-units.ts";
import type { Assignment } from "#quadlet/parse-unit.ts";
import { isAtLeast } from "#quadlet/podman-version.ts";
import { referencesOf } from "#quadlet/references.ts";
import { splitWords } from "#quadlet/split-words.ts";
import { namePartsOf, unitTypeOf } from "#quadlet/unit-names.ts";

/** The keys of [Unit] that name other units, and that Podman 5.5 translates from `x.container` to `x.service`. */
const DEPENDENCY_KEYS = [
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
const RELATIONS: ReadonlyMap<string, DependencyKey> = new Map(DEPENDENCY_KEYS.map((key) => [key, key]));

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
  unit.memory.dependencies ??= readDependencies(unit, bundle);
  return unit.memory.dependencies;
}

function readDependencies({ view }: LoadedUnit, bundle: LoadedBundle): readonly WrittenDependency[] {
  const isTranslating = isAtLeast(bundle.podman, TRANSLATED_SINCE);
  const found: WrittenDependency[] = [];
  const read = (relation: DependencyKey, assignment: Assignment, isReset: boolean) => {
    for (const { text, offset } of splitWords(assignment.value, "words").words) {
      const isFile = isTranslating && unitTypeOf(text) !== null;
      // systemd keeps quotes here, and then ignores the name; the generator takes them off when it translates.
      const first = assignment.value.charAt(offset);
      if (!isFile && (first === '"' || first === "'")) continue;
      // The generator honours an empty assignment, systemd does not.
      if (isFile && isReset) continue;
      const named = isFile ? bundle.byName.get(text) : undefined;
      const unit = named === undefined ? text : named.serviceFile;
      found.push({ relation, written: text, unit, target: serviceUnit(unit, bundle), assignment, offset });
    }
  };
  const inOrder = [...view.values("Unit")].toSorted((a, b) => (a.key < b.key ? -1 : 1));
  for (const values of inOrder) {
    const relation = RELATIONS.get(values.key);
    if (relation === undefined) continue;
    const resets = values.written.length - values.all().length;
    values.written.forEach((assignment, index) => read(relation, assignment, index < resets));
  }
  return found;
}

/** Every edge of the unit: what the generator adds, and what is written. Found once for each unit. */
export function dependenciesOf(unit: LoadedUnit, bundle: LoadedBundle): Dependency[] {
  unit.memory.edges ??= findDependencies(unit, bundle);
  return unit.memory.edges;
}

const edge = (relation: DependencyKey, { serviceFile, serviceName }: LoadedUnit): Dependency => ({
  relation,
  unit: serviceFile,
  service: serviceName,
  origin: "reference",
});

function findDependencies(unit: LoadedUnit, bundle: LoadedBundle): Dependency[] {
  const found: Dependency[] = [];
  const known = new Set<string>();
  const add = (dependency: Dependency) => {
    const name = `${dependency.relation} ${dependency.unit}`;
    if (!known.has(name)) found.push(dependency);
    known.add(name);
  };
  for (const { target, key } of referencesOf(unit, bundle)) {
    if (target === null) continue;
    add(edge(key === "Pod" ? "BindsTo" : "Requires", target));
    add(edge("After", target));
  }
  for (const { relation, unit: name, target } of writtenDependencies(unit, bundle)) {
    add({ relation, unit: name, service: target?.serviceName ?? null, origin: "unit" });
  }
  if (unit.type === "pod") {
    for (const member of bundle.units) {
      if (member.type !== "container" || member.view.string("Container", "Pod") !== unit.basename) continue;
      if (member.view.bool("Container", "StartWithPod") === false) continue;
      add(edge("Wants", member));
      add(edge("Before", member));
    }
  }
  return found;
}
