import type { Finding } from "#core/finding.ts";
import { error, placeOf, type Check } from "#quadlet/checks/check.ts";
import { readMountOptions } from "#quadlet/read-mounts.ts";
import type { PlacedWord } from "#quadlet/unit-view.ts";

const CODE = "mount_syntax";
/** Kinds whose source the generator looks at; it refuses, or before 5.8 crashes on, an empty one. */
const NEED_SOURCE = new Set(["volume", "bind", "glob", "image", "artifact"]);

function check(word: PlacedWord, podman: string): Finding[] {
  const place = placeOf(word.assignment, word.offset);
  const refuse = (message: string, action: string) => [error(CODE, place, { message, action })];
  const mount = readMountOptions(word.text, podman);
  if (mount === null)
    return refuse(
      `Mount=${word.text} is no list of key=value. Podman refuses the unit.`,
      "Write type=bind,source=/here,target=/there.",
    );
  const { kind, options } = mount;
  if (kind === null)
    return refuse("Mount= has no type=. Podman refuses the unit.", "Add type=volume, type=bind or another type.");
  if (NEED_SOURCE.has(kind) && kind !== "artifact") {
    const source = [...options].findLast(([key]) => key === "source" || key === "src");
    if (source?.[1] === undefined || source[1] === null || source[1] === "") {
      return refuse(`A ${kind} mount needs source= with a value. Podman refuses the unit.`, "Add source=.");
    }
  }
  const target = ["target", "destination", "dst"].map((key) => options.get(key)).find((value) => value !== undefined);
  if (kind !== "image" && !target)
    return refuse("Mount= has no target=: Podman will not start the container.", "Add target= with an absolute path.");
  return [];
}

export const mountSyntax: Check = {
  code: CODE,
  ofKey: {
    reads: ({ section, key }) => section === "Container" && key === "Mount",
    run: ({ values }, { podman }) => values.words("args").flatMap((word) => check(word, podman)),
  },
};
