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
import type { ReadPort } from "#quadlet/read-ports.ts";
import type { ReadSecret } from "#quadlet/read-secrets.ts";
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
  /** With `.service`. */
  readonly serviceFile: string;
  /** What Podman will call the container, pod, volume, network or image; "" where systemd decides at run time. */
  readonly resourceName: string;
  readonly memory: UnitMemory;
  readonly textMemory: TextMemory;
};

/** What has been worked out so far from the unit's own text: the same unit of two renders has it in common. */
export type TextMemory = {
  mounts: readonly ReadMount[] | null;
  secrets: readonly ReadSecret[] | null;
  ports: readonly ReadPort[] | null;
};

/** What has been worked out so far about a unit among the others of its bundle, which never changes. */
export type UnitMemory = {
  files: readonly FileUse[] | null;
  references: readonly Reference[] | null;
  dependencies: readonly WrittenDependency[] | null;
  edges: Dependency[] | null;
};

export type LoadedBundle = {
  readonly podman: string;
  readonly files: readonly BundleFile[];
  readonly texts: ReadonlyMap<string, string>;
  readonly units: readonly LoadedUnit[];
  /** By file name, as references look units up. Of two equal names, the first one counts. */
  readonly byName: ReadonlyMap<string, LoadedUnit>;
  /** By `name.service`. */
  readonly byService: ReadonlyMap<string, LoadedUnit>;
  /** Units whose name another file of the tree has already taken: the generator never reads them. */
  readonly shadowed: readonly BundleFile[];
};

const NO_DROP_INS: readonly UnitFile[] = [];

/** `<folder>/<name>.d/*.conf` anywhere in the tree, in the order that the generator merges them. */
function dropInsOf(basename: string, dropIns: ReadonlyMap<string, readonly UnitFile[]>): readonly UnitFile[] {
  if (dropIns.size === 0) return NO_DROP_INS;
  const chosen = new Map<string, UnitFile>();
  for (const folder of dropInFolders(basename)) {
    for (const file of dropIns.get(folder) ?? []) {
      const name = baseName(file.filename);
      if (!chosen.has(name)) chosen.set(name, file);
    }
  }
  return [...chosen.keys()].toSorted().flatMap((name) => chosen.get(name) ?? []);
}

const serviceNameOf = (view: UnitView, type: UnitType, basename: string): string =>
  view.string(unitTypeInfo(type).section, "ServiceName") ?? defaultServiceName(basename, type, view.podman);

function resourceNameOf(view: UnitView, type: UnitType, names: { basename: string; serviceName: string }) {
  const { basename, serviceName } = names;
  const { section } = unitTypeInfo(type);
  switch (type) {
    case "container": {
      const written =
        view.string(section, "ContainerName") || (basename.includes("@") ? "systemd-%p_%i" : "systemd-%N");
      const name = written === "systemd-%N" ? `systemd-${serviceName}` : written.replaceAll("%N", serviceName);
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

/** A file with the parts of its name, which the order of the tree and references look at. */
type NamedFile = { readonly file: BundleFile; readonly folder: string; readonly basename: string };

function dropInsIn(files: readonly NamedFile[]): Map<string, UnitFile[]> {
  const dropIns = new Map<string, UnitFile[]>();
  for (const { file, folder } of files) {
    if (!file.filename.endsWith(".conf") || !folder.endsWith(".d")) continue;
    const name = baseName(folder);
    const list = dropIns.get(name) ?? [];
    list.push(parseUnit(file.filename, file.text));
    dropIns.set(name, list);
  }
  return dropIns;
}

/**
 * Reads a whole bundle the way one run of the generator of that Podman reads its directory tree. Pure; never throws. What `like`,
 * an earlier render, has in the same words is taken from there instead of being read again.
 */
export function loadUnits(files: readonly BundleFile[], podman: string, like?: LoadedBundle): LoadedBundle {
  const same = podman === like?.podman ? like : undefined;
  const named = files.map((file): NamedFile => ({
    file,
    folder: folderOf(file.filename),
    basename: baseName(file.filename),
  }));
  const inOrder = named.toSorted(compareTree);
  const dropIns = dropInsIn(inOrder);
  const byName = new Map<string, LoadedUnit>();
  const byService = new Map<string, LoadedUnit>();
  const shadowed: BundleFile[] = [];
  for (const { file, folder, basename } of inOrder) {
    const type = unitTypeOf(basename);
    if (type === null || !isAtLeast(podman, unitTypeInfo(type).since)) continue;
    if (byName.has(basename)) {
      shadowed.push(file);
      continue;
    }
    const merged = dropInsOf(basename, dropIns);
    const alike = merged.length === 0 ? alikeIn(same, file, basename) : null;
    const parsed = alike?.file ?? parseUnit(file.filename, file.text);
    const view = alike?.view ?? new UnitView([parsed, ...merged], podman);
    const { section } = unitTypeInfo(type);
    const serviceName = alike?.serviceName ?? serviceNameOf(view, type, basename);
    const resourceName = alike?.resourceName ?? resourceNameOf(view, type, { basename, serviceName });
    const unit: LoadedUnit = {
      filename: file.filename,
      basename,
      folder,
      type,
      section,
      file: parsed,
      dropIns: merged,
      view,
      serviceName,
      serviceFile: `${serviceName}.service`,
      resourceName,
      memory: { files: null, references: null, dependencies: null, edges: null },
      textMemory: alike?.textMemory ?? { mounts: null, secrets: null, ports: null },
    };
    byName.set(basename, unit);
    // Of two units that give one service, the generator writes the later one over the earlier.
    byService.set(unit.serviceFile, unit);
  }
  const texts = new Map(files.map((file) => [file.filename, file.text]));
  return { podman, files, texts, units: [...byName.values()], byName, byService, shadowed };
}

/** The unit of `bundle` with the same name and text, and without drop-ins that could change it. */
function alikeIn(bundle: LoadedBundle | undefined, file: BundleFile, basename: string): LoadedUnit | null {
  const unit = bundle?.byName.get(basename);
  const isAlike = unit?.filename === file.filename && unit.file.text === file.text && unit.dropIns.length === 0;
  return isAlike ? unit : null;
}

/** The order in which the generator walks a tree: a folder's own files first, then its folders, each by code unit. */
function compareTree(left: NamedFile, right: NamedFile): number {
  const [a, b] = [left.folder, right.folder];
  if (a === b) return left.basename < right.basename ? -1 : left.basename > right.basename ? 1 : 0;
  const foldersA = a === "" ? [] : a.split("/");
  const foldersB = b === "" ? [] : b.split("/");
  for (let i = 0; i < Math.min(foldersA.length, foldersB.length); i += 1) {
    const one = foldersA[i] ?? "";
    const two = foldersB[i] ?? "";
    if (one !== two) return one < two ? -1 : 1;
  }
  return foldersA.length - foldersB.length;
}
