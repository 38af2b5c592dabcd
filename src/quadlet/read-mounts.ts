import type { LoadedUnit } from "#quadlet/load-units.ts";
import type { Assignment } from "#quadlet/parse-unit.ts";

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

function readVolume(assignment: Assignment): ReadMount {
  const [first = "", second, ...rest] = assignment.value.split(":");
  const source = second === undefined ? "" : first;
  const kind = source.startsWith("/") || source.startsWith(".") || source.startsWith("%") ? "bind" : "volume";
  const options = rest
    .join(":")
    .split(",")
    .filter((option) => option !== "");
  return { kind, source, destination: second ?? first, options, assignment, offset: 0 };
}

/** `type=bind,source=./a,target=/b,ro`, in any order; without a type Podman takes `volume`. */
export function readMountOptions(text: string): Map<string, string> {
  const options = new Map<string, string>();
  for (const token of text.split(",")) {
    const equals = token.indexOf("=");
    options.set(equals === -1 ? token : token.slice(0, equals), equals === -1 ? "" : token.slice(equals + 1));
  }
  return options;
}

function readMount(text: string, assignment: Assignment, offset: number): ReadMount {
  const named = readMountOptions(text);
  const first = (...keys: string[]) => keys.map((key) => named.get(key)).find((value) => value !== undefined) ?? "";
  const known = new Set(["type", "source", "src", "target", "destination", "dst"]);
  return {
    kind: named.get("type") ?? "volume",
    source: first("source", "src"),
    destination: first("destination", "dst", "target"),
    options: [...named.keys()].filter((key) => !known.has(key)),
    assignment,
    offset,
  };
}

function readTmpfs(assignment: Assignment): ReadMount {
  const [destination = "", options = ""] = assignment.value.split(":");
  return { kind: "tmpfs", source: "", destination, options: options.split(",").filter(Boolean), assignment, offset: 0 };
}

/** Every mount of a container, pod or build, in the order written. */
export function readMounts({ view, section }: LoadedUnit): ReadMount[] {
  return [
    ...view.all(section, "Volume").map(readVolume),
    ...view.words(section, "Mount", "args").map((word) => readMount(word.text, word.assignment, word.offset)),
    ...view.all(section, "Tmpfs").map(readTmpfs),
  ];
}
