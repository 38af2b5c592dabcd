import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";

const CODE = "auto_update";

/** Podman writes any word into the label, and `podman auto-update` then stops at it. */
export const autoUpdate: Check = {
  code: CODE,
  run: ({ bundle }) =>
    bundle.units.flatMap(({ type, view, section }) => {
      if (type === "container") {
        const assignment = view.last(section, "AutoUpdate");
        const value = view.string(section, "AutoUpdate") ?? "";
        if (assignment === null || ["", "registry", "local"].includes(value)) return [];
        const message = `AutoUpdate=${value} is neither registry nor local: podman auto-update fails on it.`;
        return [warning(CODE, placeOf(assignment), { message, action: "Write registry or local." })];
      }
      return (type === "kube" ? view.words(section, "AutoUpdate", "words") : []).flatMap((word) => {
        const value = word.text.slice(word.text.lastIndexOf("/") + 1);
        if (value === "registry" || value === "local") return [];
        const message = `AutoUpdate=${word.text} ends in neither registry nor local.`;
        return [
          warning(CODE, placeOf(word.assignment, word.offset), {
            message,
            action: "Write registry, local, or container/registry.",
          }),
        ];
      });
    }),
};
