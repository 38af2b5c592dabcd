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

const endsWithAny = (text: string, endings: readonly string[]) => endings.some((ending) => text.endsWith(ending));

/** Kinds of `Mount=` whose source may be a unit. */
const MOUNTS_BY_NAME = new Set(["volume", "bind", "glob", "image", "artifact"]);
const ARTIFACTS_SINCE = "5.7.0";

/** Found once for each unit of a bundle. */
export function referencesOf(unit: LoadedUnit, bundle: LoadedBundle): readonly Reference[] {
  const known = bundle.memory.references.get(unit) ?? findReferences(unit, bundle);
  bundle.memory.references.set(unit, known);
  return known;
}

function findReferences(unit: LoadedUnit, bundle: LoadedBundle): Reference[] {
  const { view, section, type } = unit;
  const found: Reference[] = [];
  const add = (key: Reference["key"], name: string, at: { assignment: Assignment; offset: number }) =>
    found.push({ key, name, ...at, target: bundle.byName.get(name) ?? null });

  const image = view.last(section, "Image");
  const imageName = view.string(section, "Image") ?? "";
  const readsImage = type === "container" || (type === "volume" && view.string(section, "Driver") === "image");
  if (image !== null && readsImage && endsWithAny(imageName, [".image", ".build"]))
    add("Image", imageName, { assignment: image, offset: 0 });

  if (type === "container" || type === "pod" || type === "kube" || type === "build") {
    for (const assignment of view.all(section, "Network")) {
      const [name = ""] = assignment.value.split(":");
      if (endsWithAny(name, [".network", ".container"])) add("Network", name, { assignment, offset: 0 });
    }
  }

  if (type === "container" || type === "pod" || type === "build") {
    const isArtifactKnown = isAtLeast(view.podman, ARTIFACTS_SINCE);
    for (const { kind, source, assignment, offset } of readMounts(unit, bundle)) {
      const isMount = assignment.key === "Mount";
      if (assignment.key === "Tmpfs" || (isMount && !MOUNTS_BY_NAME.has(kind))) continue;
      if (kind === "artifact" && !isArtifactKnown) continue;
      const endings = [".volume", ...(isMount ? [".image"] : []), ...(isArtifactKnown ? [".artifact"] : [])];
      if (!/^[./]/.test(source) && endsWithAny(source, endings))
        add(isMount ? "Mount" : "Volume", source, { assignment, offset });
    }
  }

  const pod = view.last(section, "Pod");
  if (pod !== null && type === "container" && pod.value !== "")
    add("Pod", view.string(section, "Pod") ?? "", { assignment: pod, offset: 0 });
  return found;
}
