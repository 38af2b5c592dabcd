import type { LoadedBundle, LoadedUnit } from "#quadlet/load-units.ts";
import type { Assignment } from "#quadlet/parse-unit.ts";
import { readMounts } from "#quadlet/read-mounts.ts";
import { isAtLeast } from "#quadlet/podman-version.ts";

/** A unit that names another unit by its file name: `Network=stack.network:ip=10.0.0.2`. */
export type Reference = {
  readonly key: "Image" | "Network" | "Volume" | "Mount" | "Pod";
  /** The file name that is asked for. */
  readonly name: string;
  readonly assignment: Assignment;
  /** Where the name begins in the assignment's value. */
  readonly offset: number;
  /** Null when the bundle has no such unit: the generator then refuses the unit that asks. */
  readonly target: LoadedUnit | null;
};

/** Kinds of `Mount=` whose source may be a unit. */
const MOUNTS_BY_NAME = new Set(["volume", "bind", "glob", "image", "artifact"]);
const ARTIFACTS_SINCE = "5.7.0";

/** Found once for each unit of a bundle. */
export function referencesOf(unit: LoadedUnit, bundle: LoadedBundle): readonly Reference[] {
  unit.memory.references ??= findReferences(unit, bundle);
  return unit.memory.references;
}

function findReferences(unit: LoadedUnit, bundle: LoadedBundle): Reference[] {
  const { view, section, type } = unit;
  const found: Reference[] = [];
  const add = (key: Reference["key"], name: string, at: { assignment: Assignment; offset: number }) =>
    found.push({ key, name, ...at, target: bundle.byName.get(name) ?? null });

  const image = view.key(section, "Image");
  const readsImage = type === "container" || (type === "volume" && view.string(section, "Driver") === "image");
  if (image !== null && readsImage) {
    const name = image.string();
    if (name.endsWith(".image") || name.endsWith(".build")) add("Image", name, { assignment: image.last, offset: 0 });
  }

  if (type === "container" || type === "pod" || type === "kube" || type === "build") {
    for (const assignment of view.all(section, "Network")) {
      const name = networkName(assignment.value);
      if (name.endsWith(".network") || name.endsWith(".container")) add("Network", name, { assignment, offset: 0 });
    }
  }

  if (type === "container" || type === "pod" || type === "build") {
    const isArtifactKnown = isAtLeast(view.podman, ARTIFACTS_SINCE);
    for (const { kind, source, assignment, offset } of readMounts(unit)) {
      const isMount = assignment.key === "Mount";
      if (source.startsWith(".") || source.startsWith("/") || assignment.key === "Tmpfs") continue;
      if ((isMount && !MOUNTS_BY_NAME.has(kind)) || (kind === "artifact" && !isArtifactKnown)) continue;
      const isUnit =
        source.endsWith(".volume") ||
        (isMount && source.endsWith(".image")) ||
        (isArtifactKnown && source.endsWith(".artifact"));
      if (isUnit) add(isMount ? "Mount" : "Volume", source, { assignment, offset });
    }
  }

  const pod = type === "container" ? view.key(section, "Pod") : null;
  if (pod !== null && pod.last.value !== "") add("Pod", pod.string(), { assignment: pod.last, offset: 0 });
  return found;
}

/** What stands in front of the options: `stack.network:ip=10.0.0.2`. */
export function networkName(value: string): string {
  const colon = value.indexOf(":");
  return colon === -1 ? value : value.slice(0, colon);
}
