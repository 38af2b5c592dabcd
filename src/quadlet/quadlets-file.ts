import type { Finding } from "#core/finding.ts";
import type { BundleFile } from "#quadlet/load-units.ts";
import { baseName, unitTypeOf } from "#quadlet/unit-names.ts";

/** One text for `podman quadlet install` of Podman 5.8, and what could not go into it. */
export type QuadletsFile = { readonly text: string; readonly findings: readonly Finding[] };

const SEPARATOR = "---";

/**
 * Joins the units of a bundle into one `.quadlets` file: parts separated by `---`, each named by `# FileName=` without extension,
 * which Podman derives from the section. Units keep their text. Other files have no place in the format, and neither have drop-ins:
 * each is a finding.
 */
export function writeQuadlets(files: readonly BundleFile[]): QuadletsFile {
  const units = files
    .filter((file) => unitTypeOf(file.filename) !== null)
    .toSorted((a, b) => (a.filename < b.filename ? -1 : 1));
  const parts = units.map(({ filename, text }) => {
    const name = baseName(filename);
    const ended = text.endsWith("\n") || text === "" ? text : `${text}\n`;
    return `# FileName=${name.slice(0, name.lastIndexOf("."))}\n${ended}`;
  });
  const findings = files
    .filter((file) => unitTypeOf(file.filename) === null)
    .map(({ filename }): Finding => {
      const place = { file: filename, line: 1, column: 1 };
      const message = `${filename} is no unit, and a .quadlets file holds units only.`;
      const action = "Use the tar.gz bundle, or hand the file to podman quadlet install beside the .quadlets file.";
      return { code: "quadlets_file_left_out", severity: "warning", message, action, place };
    });
  return { text: parts.join(`${SEPARATOR}\n`), findings };
}

const SECTION_TYPES: Readonly<Record<string, string>> = {
  "[Container]": "container",
  "[Pod]": "pod",
  "[Kube]": "kube",
  "[Volume]": "volume",
  "[Network]": "network",
  "[Image]": "image",
  "[Build]": "build",
  "[Artifact]": "artifact",
};

/** The inverse of `writeQuadlets`. A part without `# FileName=` or without the section of a unit is left out. */
export function readQuadlets(text: string): BundleFile[] {
  return text.split(new RegExp(`^${SEPARATOR}\\n`, "m")).flatMap((part) => {
    const match = /^# FileName=(\S+)\n/.exec(part);
    const section = part.split("\n").find((line) => SECTION_TYPES[line.trim()] !== undefined);
    if (match === null || section === undefined) return [];
    return [
      { filename: `${match[1] ?? ""}.${SECTION_TYPES[section.trim()] ?? ""}`, text: part.slice(match[0].length) },
    ];
  });
}
