import { didYouMean } from "#core/did-you-mean.ts";
import { warning, type Check } from "#quadlet/checks/check.ts";

const CODE = "section_unknown";
const SYSTEMD = ["Unit", "Service", "Install", "Quadlet"];

/** A section that nobody reads, such as [container]: names are case-sensitive. Only `[X-...]` says that it is meant so. */
export const sectionUnknown: Check = {
  code: CODE,
  run: ({ bundle }) =>
    bundle.units.flatMap((unit) => {
      const known = [unit.section, ...SYSTEMD];
      return [unit.file, ...unit.dropIns].flatMap((file) =>
        file.nodes.flatMap((node) => {
          if (node.type !== "section" || known.includes(node.name) || node.name.startsWith("X-")) return [];
          const near = didYouMean(node.name, known);
          const message = `Nothing reads [${node.name}] in a .${unit.type}: its keys have no effect.`;
          const action =
            near === null ? "Remove it, or name it [X-...] when it is for people." : `Did you mean [${near}]?`;
          return [warning(CODE, { file: file.filename, line: node.line, column: node.column }, { message, action })];
        }),
      );
    }),
};
