import type { FileUse } from "#quadlet/file-uses.ts";
import { parseUnit, type UnitFile } from "#quadlet/parse-unit.ts";
import { isAtLeast } from "#quadlet/podman-version.ts";
import {
  baseName,
  defaultResourceName,
  defaultServiceName,
  dropInFolders,
  folderOf,
  unitTypeInfo,
  unitTypeOf,
  type UnitType,
} from "#quadlet/unit-names.ts";
import type { ReadMount } from "#quadlet/read-mounts.ts";
import type { Reference } from "#quadlet/references.ts";
import type { Dependency, WrittenDependency } from "#quadlet/unit-dependencies.ts";
import { UnitView } from "#quadlet/unit-view.ts";

/** A file of a bundle: `filename` is its path inside the bundle, with `/` between folders. */
export type BundleFile = { readonly filename: string; readonly text: string };

export type LoadedUnit = {
  readonly filename: string;
  /** What references name: the file's name without its folder. */
  readonly basename: string;
  readonly folder: string;
  readonly type: UnitType;
  /** The section of its type: `Container` for a `.container`. */
  readonly section: string;
  readonly file: UnitFile;
  readonly dropIns: readonly UnitFile[];
  readonly view: UnitView;
  /** Without `.service`. */
  readonly serviceName: string;
  /** What Podman will call the container, pod, volume, network or image; "" where systemd decides at run time. */
  readonly resourceName: string;
};

export type LoadedBundle = {
  readonly podman: string;
  readonly files: readonly BundleFile[];
  readonly texts: ReadonlyMap<string, string>;
  readonly units: readonly LoadedUnit[];
  /** By file name, as references look units up. Of two equal names, the first one counts. */
  readonly byName: ReadonlyMap<string, LoadedUnit>;
  readonly byFilename: ReadonlyMap<string, LoadedUnit>;
  /** By `name.service`. */
  readonly byService: ReadonlyMap<string, LoadedUnit>;
  /** Units whose name another file of the tree has already taken: the generator never reads them. */
  readonly shadowed: readonly BundleFile[];
  /** What has been worked out about its units; a bundle never changes. (A WeakMap would slow every garbage collection down.) */
  readonly memory: {
    readonly files: Map<LoadedUnit, readonly FileUse[]>;
    readonly mounts: Map<UnitView, readonly ReadMount[]>;
    readonly references: Map<LoadedUnit, readonly Reference[]>;
    readonly dependencies: Map<LoadedUnit, readonly WrittenDependency[]>;
    readonly edges: Map<LoadedUnit, Dependency[]>;
  };
};

/** `<folder>/<name>.d/*.conf` anywhere in the tree, in the order that the generator merges them. */
function dropInsOf(unit: BundleFile, dropIns: ReadonlyMap<string, readonly UnitFile[]>): UnitFile[] {
  if (dropIns.size === 0) return [];
  const chosen = new Map<string, UnitFile>();
  for (const folder of dropInFolders(baseName(unit.filename))) {
    for (const file of dropIns.get(folder) ?? []) {
      const name = baseName(file.filename);
      if (!chosen.has(name)) chosen.set(name, file);
    }
  }
  return [...chosen.keys()].toSorted().flatMap((name) => chosen.get(name) ?? []);
}

function resourceNameOf(view: UnitView, type: UnitType, names: { basename: string; serviceName: string }) {
  const { basename, serviceName } = names;
  const { section } = unitTypeInfo(type);
  switch (type) {
    case "container": {
      const fallback = basename.includes("@") ? "systemd-%p_%i" : "systemd-%N";
      const name = (view.string(section, "ContainerName") || fallback).replaceAll("%N", serviceName);
      return name.includes("%") ? "" : name;
    }
    case "volume":
      return view.string(section, "VolumeName") || defaultResourceName(basename, type, view.podman);
    case "network":
      return view.string(section, "NetworkName") || defaultResourceName(basename, type, view.podman);
    case "pod":
      return view.string(section, "PodName") || defaultResourceName(basename, type, view.podman);
    case "image":
      return view.string(section, "ImageTag") || view.string(section, "Image") || "";
    case "build":
      return view.all(section, "ImageTag")[0]?.value ?? "";
    case "artifact":
      return view.string(section, "Artifact") ?? "";
    case "kube":
      return "";
  }
}

/**
 * Reads a whole bundle the way one run of the generator of that Podman reads its directory tree. Pure; never throws. What `like`,
 * an earlier render, has in the same words is taken from there instead of being read again.
 */
export function loadUnits(files: readonly BundleFile[], podman: string, like?: LoadedBundle): LoadedBundle {
  const same = podman === like?.podman ? like : undefined;
  const inOrder = files.toSorted((a, b) => compareTree(a.filename, b.filename));
  const dropIns = new Map<string, UnitFile[]>();
  for (const { filename, text } of inOrder) {
    if (!filename.endsWith(".conf")) continue;
    const folder = baseName(folderOf(filename));
    if (!folder.endsWith(".d")) continue;
    const list = dropIns.get(folder) ?? [];
    list.push(parseUnit(filename, text));
    dropIns.set(folder, list);
  }

  const byName = new Map<string, LoadedUnit>();
  const byService = new Map<string, LoadedUnit>();
  const shadowed: BundleFile[] = [];
  for (const file of inOrder) {
    const type = unitTypeOf(file.filename);
    if (type === null || !isAtLeast(podman, unitTypeInfo(type).since)) continue;
    const basename = baseName(file.filename);
    if (byName.has(basename)) {
      shadowed.push(file);
      continue;
    }
    const merged = dropInsOf(file, dropIns);
    const alike = merged.length === 0 ? alikeIn(same, file) : null;
    const parsed = alike?.file ?? parseUnit(file.filename, file.text);
    const view = alike?.view ?? new UnitView([parsed, ...merged], podman);
    const { section } = unitTypeInfo(type);
    const serviceName = view.string(section, "ServiceName") ?? defaultServiceName(basename, type, podman);
    const resourceName = resourceNameOf(view, type, { basename, serviceName });
    const unit: LoadedUnit = {
      filename: file.filename,
      basename,
      folder: folderOf(file.filename),
      type,
      section,
      file: parsed,
      dropIns: merged,
      view,
      serviceName,
      resourceName,
    };
    byName.set(basename, unit);
    // Of two units that give one service, the generator writes the later one over the earlier.
    byService.set(`${serviceName}.service`, unit);
  }
  const texts = new Map(files.map((file) => [file.filename, file.text]));
  const memory = {
    files: new Map(),
    mounts: same?.memory.mounts ?? new Map<UnitView, readonly ReadMount[]>(),
    references: new Map(),
    dependencies: new Map(),
    edges: new Map(),
  };
  const units = [...byName.values()];
  const byFilename = new Map(units.map((unit) => [unit.filename, unit]));
  return { podman, files, texts, units, byName, byFilename, byService, shadowed, memory };
}

/** The unit of `bundle` with the same name and text, and without drop-ins that could change it. */
function alikeIn(bundle: LoadedBundle | undefined, file: BundleFile): LoadedUnit | null {
  const unit = bundle?.byName.get(baseName(file.filename));
  const isAlike = unit?.filename === file.filename && unit.file.text === file.text && unit.dropIns.length === 0;
  return isAlike ? unit : null;
}

/** The order in which the generator walks a tree: a folder's own files first, then its folders, each by code unit. */
function compareTree(left: string, right: string): number {
  const a = folderOf(left);
  const b = folderOf(right);
  if (a === b) return left < right ? -1 : left > right ? 1 : 0;
  const foldersA = a === "" ? [] : a.split("/");
  const foldersB = b === "" ? [] : b.split("/");
  for (let i = 0; i < Math.min(foldersA.length, foldersB.length); i += 1) {
    const one = foldersA[i] ?? "";
    const two = foldersB[i] ?? "";
    if (one !== two) return one < two ? -1 : 1;
  }
  return foldersA.length - foldersB.length;
}
