import { leaf } from "../leaf.ts";
import { readExport } from "./read-export.ts";
import { writeResultFile } from "./write-result-file.ts";

export const exportCommand = () =>
  leaf<{ out?: string }>({
    name: "export",
    description: "Everything that the workspace owns, as JSON lines; secrets by name, without values.",
    declare: (command) => command.option("-o, --out <file>", "where to (default: stdout)"),
    examples: ["leger export --out leger-export.jsonl"],
    run: async ({ api, out, options }) => {
      const { bytes } = await api.download({ path: "/export", bytesMax: 1024 ** 3 });
      readExport(new TextDecoder().decode(bytes)); // refuses one that was cut off on its way
      writeResultFile(out, { bytes, file: options.out });
    },
  });
