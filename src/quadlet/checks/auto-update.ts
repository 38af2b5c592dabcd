import type { Finding } from "#core/finding.ts";
import { placeOf, warning, type Check, type WrittenKey } from "#quadlet/checks/check.ts";

const CODE = "auto_update";

function ofContainer({ values, last }: WrittenKey): Finding[] {
  const value = values.string();
  if (["", "registry", "local"].includes(value)) return [];
  const message = `AutoUpdate=${value} is neither registry nor local: podman auto-update fails on it.`;
  return [warning(CODE, placeOf(last), { message, action: "Write registry or local." })];
}

function ofKube({ values }: WrittenKey): Finding[] {
  return values.words("words").flatMap((word) => {
    const value = word.text.slice(word.text.lastIndexOf("/") + 1);
    if (value === "registry" || value === "local") return [];
    const message = `AutoUpdate=${word.text} ends in neither registry nor local.`;
    const action = "Write registry, local, or container/registry.";
    return [warning(CODE, placeOf(word.assignment, word.offset), { message, action })];
  });
}

/** Podman writes any word into the label, and `podman auto-update` then stops at it. */
export const autoUpdate: Check = {
  code: CODE,
  ofKey: {
    reads: ({ section, key }) => key === "AutoUpdate" && (section === "Container" || section === "Kube"),
    run: (written) => (written.section === "Container" ? ofContainer(written) : ofKube(written)),
  },
};
