import type { LoadedBundle, LoadedUnit } from "#quadlet/load-units.ts";
import type { Assignment } from "#quadlet/parse-unit.ts";
import { readMounts } from "#quadlet/read-mounts.ts";

/** A path relative to the unit's folder: the generator makes it absolute there, so the bundle has to bring the file. */
export type FileUse = {
  readonly key: string;
  /** Inside the bundle, normalised; a path that leaves the bundle keeps its leading `..`. */
  readonly path: string;
  /** The bundle's files that it means: one, or those of a folder; empty when the bundle lacks it. */
  readonly filenames: readonly string[];
  readonly assignment: Assignment;
  readonly offset: number;
};

function joinPath(folder: string, path: string): string {
  const parts: string[] = [];
  for (const part of `${folder}/${path}`.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}

const isRelative = (path: string) =>
  path !== "" && !path.startsWith("/") && (!path.startsWith("%") || path.startsWith("%%"));

/** Found once for each unit. */
export function findFileUses(unit: LoadedUnit, bundle: LoadedBundle): readonly FileUse[] {
  unit.memory.files ??= readFileUses(unit, bundle);
  return unit.memory.files;
}

function readFileUses(unit: LoadedUnit, bundle: LoadedBundle): FileUse[] {
  const { view, section, type, folder } = unit;
  const uses: FileUse[] = [];
  const add = (written: string, assignment: Assignment, offset = 0) => {
    if (!isRelative(written)) return;
    const path = joinPath(folder, written);
    const within = path === "" ? "" : `${path}/`;
    const isFile = bundle.texts.has(path);
    const filenames = isFile ? [path] : [...bundle.texts.keys()].filter((name) => name.startsWith(within));
    uses.push({ key: assignment.key, path, filenames, assignment, offset });
  };
  const addWords = (key: string, style: "args" | "words") => {
    for (const word of view.words(section, key, style)) add(word.text, word.assignment, word.offset);
  };
  if (type === "container") addWords("EnvironmentFile", "args");
  if (type === "kube") {
    addWords("Yaml", "words");
    addWords("ConfigMap", "words");
  }
  if (type === "build") {
    const file = view.last(section, "File");
    const written = view.string(section, "File") ?? "";
    if (file !== null && !/^[a-z]+:\/\//.test(written)) add(written, file);
  }
  if (type === "container" || type === "pod" || type === "build") {
    for (const { source, assignment, offset } of readMounts(unit)) {
      if (source.startsWith(".")) add(source, assignment, offset);
    }
  }
  return uses;
}

/** Files that ship with a unit: itself, its drop-ins, and what it mounts or reads from its folder. */
export function filesOf(unit: LoadedUnit, uses: readonly FileUse[]): string[] {
  if (uses.length === 0 && unit.dropIns.length === 0) return [unit.filename];
  const files = [unit.filename, ...unit.dropIns.map((file) => file.filename), ...uses.flatMap((use) => use.filenames)];
  return [...new Set(files)];
}
