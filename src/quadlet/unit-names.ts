import { isAtLeast } from "#quadlet/podman-version.ts";

export type UnitType = "container" | "pod" | "kube" | "volume" | "network" | "image" | "build" | "artifact";

type TypeInfo = { readonly section: string; readonly suffix: string; readonly since: string };

/** The section that a type's keys stand in, the suffix of its service, and the Podman that introduced it. */
const UNIT_TYPES: Readonly<Record<UnitType, TypeInfo>> = {
  container: { section: "Container", suffix: "", since: "4.4.0" },
  pod: { section: "Pod", suffix: "-pod", since: "5.0.0" },
  kube: { section: "Kube", suffix: "", since: "4.4.0" },
  volume: { section: "Volume", suffix: "-volume", since: "4.4.0" },
  network: { section: "Network", suffix: "-network", since: "4.4.0" },
  image: { section: "Image", suffix: "-image", since: "4.8.0" },
  build: { section: "Build", suffix: "-build", since: "5.2.0" },
  artifact: { section: "Artifact", suffix: "-artifact", since: "5.7.0" },
};

export const unitTypeInfo = (type: UnitType): TypeInfo => UNIT_TYPES[type];

const TYPES: ReadonlyMap<string, UnitType> = new Map(Object.keys(UNIT_TYPES).map((type) => [type, type as UnitType]));

export const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));

function extensionOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot === -1 ? "" : name.slice(dot + 1);
}

/** By the name alone, as the generator does: a `.artifact` is nothing at all before 5.7, whoever asks must look. */
export function unitTypeOf(path: string): UnitType | null {
  // A slash behind the last dot makes it no extension, and no type has a slash in its name.
  return TYPES.get(extensionOf(path)) ?? null;
}

/** `foo@bar.container` is instance `bar` of the template `foo@.container`. */
export type NameParts = { readonly stem: string; readonly isTemplated: boolean; readonly instance: string };

export function namePartsOf(filename: string): NameParts {
  const dot = filename.lastIndexOf(".");
  const name = dot > 0 ? filename.slice(0, dot) : filename;
  const at = name.indexOf("@");
  if (at === -1) return { stem: name, isTemplated: false, instance: "" };
  return { stem: name.slice(0, at), isTemplated: true, instance: name.slice(at + 1) };
}

/**
 * Newer generators put the suffix of a template before its `@`, older ones behind it, where systemd cannot instantiate it.
 * 5.4.2 is seen to do the one and 5.8.6 the other; the release between them is taken from its notes.
 */
const TEMPLATE_SUFFIX_SINCE = "5.7.0";

/** The generated service's name without `.service`, when no `ServiceName=` overrides it. */
export function defaultServiceName(filename: string, type: UnitType, podman: string): string {
  const { stem, isTemplated, instance } = namePartsOf(filename);
  const suffix = unitTypeInfo(type).suffix;
  if (!isTemplated) return stem + suffix;
  if (instance === "" && isAtLeast(podman, TEMPLATE_SUFFIX_SINCE)) return `${stem}${suffix}@`;
  return `${stem}@${instance}${suffix}`;
}

/** What Podman calls the volume, network or pod of a unit that does not name it. */
export function defaultResourceName(filename: string, type: UnitType, podman: string): string {
  const { stem, isTemplated, instance } = namePartsOf(filename);
  if (!isTemplated) return `systemd-${stem}`;
  const name = `${stem}@${instance}`;
  // The newer generators cut off the last character, whatever it is, and let systemd put the instance there.
  if (type !== "pod" && isAtLeast(podman, TEMPLATE_SUFFIX_SINCE)) return `systemd-${name.slice(0, -1)}-%i`;
  return `systemd-${name}`;
}

/**
 * Folders whose `*.conf` files change this unit, the most specific first: a name that occurs in several counts from
 * the first. They are looked for beside every unit of the tree.
 */
export function dropInFolders(filename: string): string[] {
  const extension = `.${extensionOf(filename)}`;
  const { stem, isTemplated, instance } = namePartsOf(filename);
  const folders = [`${extension.slice(1)}.d`];
  const pieces = stem.split("-");
  for (let count = 1; count < pieces.length; count += 1) {
    const prefix = `${pieces.slice(0, count).join("-")}-`;
    folders.push(`${prefix}${extension}.d`);
    if (isTemplated) folders.push(`${prefix}@${extension}.d`);
  }
  if (instance !== "") folders.push(`${stem}@${extension}.d`);
  folders.push(`${filename}.d`);
  return folders.toReversed();
}
