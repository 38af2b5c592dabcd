import type { Finding } from "#core/finding.ts";
import { error, placeOf, type Check } from "#quadlet/checks/check.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";

const CODE = "user_mapping";
const MODES = new Set(["", "manual", "auto", "keep-id"]);

function check({ type, view, section }: LoadedUnit): Finding[] {
  const remap = ["RemapUsers", "RemapUid", "RemapGid"]
    .map((key) => view.last(section, key))
    .find((found) => found !== null);
  if (remap === undefined || remap === null) return [];
  const refuse = (message: string, action: string) => [error(CODE, placeOf(remap), { message, action })];

  const strings = ["UserNS", "SubUIDMap", "SubGIDMap"].some((key) => view.string(section, key));
  const maps = ["UIDMap", "GIDMap"].some((key) => view.words(section, key, "words").length > 0);
  if (strings || maps) {
    return refuse(
      "The Remap keys exclude UserNS=, UIDMap=, GIDMap=, SubUIDMap= and SubGIDMap=.",
      "Keep UserNS= and drop the Remap keys.",
    );
  }
  // Read raw: quotes around the mode make it another word.
  const mode = view.last(section, "RemapUsers")?.value ?? "";
  const uids = view.words(section, "RemapUid", "words").length;
  const gids = view.words(section, "RemapGid", "words").length;
  if (!MODES.has(mode))
    return refuse(
      `RemapUsers= knows manual, auto and keep-id, not ${mode}.`,
      "Write UserNS=keep-id or UserNS=auto instead.",
    );
  if (mode === "" && uids + gids > 0)
    return refuse("RemapUid= and RemapGid= need RemapUsers=.", "Write UserNS= with its options instead.");
  if (mode === "manual" && type === "kube")
    return refuse("A .kube does not support RemapUsers=manual.", "Write UserNS= instead.");
  if (mode === "keep-id" && (uids > 1 || gids > 1)) {
    return refuse(
      "RemapUsers=keep-id takes one RemapUid= and one RemapGid=.",
      "Write UserNS=keep-id:uid=1000,gid=1000 instead.",
    );
  }
  return [];
}

/** The deprecated Remap keys, whose combinations the generator refuses. */
export const userMapping: Check = { code: CODE, ofUnit: { types: ["container", "pod", "kube"], run: check } };
