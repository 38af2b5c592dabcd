import type { LoadedUnit } from "#quadlet/load-units.ts";
import type { Assignment } from "#quadlet/parse-unit.ts";
import { isAtLeast } from "#quadlet/podman-version.ts";
import type { PlacedWord } from "#quadlet/unit-view.ts";

/** One `Volume=`, `Mount=` or `Tmpfs=` as written; `offset` is where the source stands in the assignment's value. */
export type ReadMount = {
  readonly kind: string;
  /** Empty for an anonymous volume and for tmpfs. */
  readonly source: string;
  readonly destination: string;
  readonly options: readonly string[];
  readonly assignment: Assignment;
  readonly offset: number;
};

const NO_OPTIONS: readonly string[] = [];

/** `z,ro` as a list; most mounts have none. */
const optionsIn = (text: string): readonly string[] =>
  text === "" ? NO_OPTIONS : text.split(",").filter((option) => option !== "");

function readVolume(assignment: Assignment): ReadMount {
  const { value } = assignment;
  const first = value.indexOf(":");
  if (first === -1)
    return { kind: "volume", source: "", destination: value, options: NO_OPTIONS, assignment, offset: 0 };
  const source = value.slice(0, first);
  const second = value.indexOf(":", first + 1);
  const kind = source.startsWith("/") || source.startsWith(".") || source.startsWith("%") ? "bind" : "volume";
  const destination = second === -1 ? value.slice(first + 1) : value.slice(first + 1, second);
  const options = second === -1 ? NO_OPTIONS : optionsIn(value.slice(second + 1));
  return { kind, source, destination, options, assignment, offset: 0 };
}

/** One line of CSV, as Go's reader takes it: quotes around whole fields, doubled inside. Null for what it refuses. */
function csvFields(text: string): string[] | null {
  if (text.trim() === "" || /[\r\n]/.test(text)) return null;
  const fields: string[] = [];
  let rest = `,${text}`;
  while (rest !== "") {
    const quoted = /^,"((?:[^"]|"")*)"(?=,|$)/.exec(rest);
    const match = quoted ?? /^,([^",][^",]*)?(?=,|$)/.exec(rest);
    if (match === null) return null;
    const field = match[1] ?? "";
    fields.push(quoted === null ? field : field.replaceAll('""', '"'));
    rest = rest.slice(match[0].length);
  }
  return fields;
}

/** Podman assumes `type=volume` in newer releases: 5.4.2 refuses a mount without type, 5.8.6 does not. */
const MOUNT_TYPE_OPTIONAL_SINCE = "5.8.0";

type MountOptions = { readonly options: ReadonlyMap<string, string | null>; readonly kind: string | null };

/** The options of `Mount=type=bind,source=./a,target=/b,ro`; `kind` is null where the type is missing and must not be. */
export function readMountOptions(text: string, podman: string): MountOptions | null {
  const fields = csvFields(text);
  if (fields === null) return null;
  const options = new Map<string, string | null>();
  let kind: string | null = isAtLeast(podman, MOUNT_TYPE_OPTIONAL_SINCE) ? "volume" : null;
  let isTyped = false;
  for (const field of fields) {
    const equals = field.indexOf("=");
    const [key, value] = equals === -1 ? [field, null] : [field.slice(0, equals), field.slice(equals + 1)];
    if (!isTyped && key === "type" && value !== null && (kind !== null || !value.includes("="))) {
      kind = value;
      isTyped = true;
    } else {
      options.set(key, value);
    }
  }
  return { options, kind };
}

function readMount({ text, assignment, offset }: PlacedWord, podman: string): ReadMount {
  const read = readMountOptions(text, podman);
  const options = read?.options ?? new Map<string, string | null>();
  const first = (...keys: string[]) => keys.map((key) => options.get(key)).find((value) => value !== undefined) ?? "";
  const known = new Set(["source", "src", "target", "destination", "dst"]);
  return {
    kind: read?.kind ?? "volume",
    // The generator takes the last of several sources.
    source: [...options].findLast(([key]) => key === "source" || key === "src")?.[1] ?? "",
    destination: first("destination", "dst", "target"),
    options: [...options.keys()].filter((key) => !known.has(key)),
    assignment,
    offset,
  };
}

function readTmpfs(assignment: Assignment): ReadMount {
  const [destination = "", options = ""] = assignment.value.split(":");
  return { kind: "tmpfs", source: "", destination, options: optionsIn(options), assignment, offset: 0 };
}

function findMounts({ view, section }: LoadedUnit): ReadMount[] {
  return [
    ...view.all(section, "Volume").map(readVolume),
    ...view.words(section, "Mount", "args").map((word) => readMount(word, view.podman)),
    ...view.all(section, "Tmpfs").map(readTmpfs),
  ];
}

/** Every mount of a container, pod or build, in the order written. Found once for each text. */
export function readMounts(unit: LoadedUnit): readonly ReadMount[] {
  unit.textMemory.mounts ??= findMounts(unit);
  return unit.textMemory.mounts;
}
