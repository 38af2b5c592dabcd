import type { Finding } from "#core/finding.ts";
import { didYouMean } from "#core/did-you-mean.ts";
import { warning, type Check } from "#quadlet/checks/check.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";

const CODE = "section_unknown";
const SYSTEMD = ["Unit", "Service", "Install", "Quadlet"];

const isKnown = (name: string, unit: LoadedUnit) =>
  name === unit.section || SYSTEMD.includes(name) || name.startsWith("X-");

function check(unit: LoadedUnit): Finding[] {
  const unknown = new Set([...unit.view.sectionNames()].filter((name) => !isKnown(name, unit)));
  if (unknown.size === 0) return [];
  return [unit.file, ...unit.dropIns].flatMap((file) =>
    file.nodes.flatMap((node) => {
      if (node.type !== "section" || !unknown.has(node.name)) return [];
      const near = didYouMean(node.name, [unit.section, ...SYSTEMD]);
      const message = `Nothing reads [${node.name}] in a .${unit.type}: its keys have no effect.`;
      const action = near === null ? "Remove it, or name it [X-...] when it is for people." : `Did you mean [${near}]?`;
      return [warning(CODE, { file: file.filename, line: node.line, column: node.column }, { message, action })];
    }),
  );
}

/** A section that nobody reads, such as [container]: names are case-sensitive. Only `[X-...]` says that it is meant so. */
export const sectionUnknown: Check = { code: CODE, ofUnit: { run: check } };
