import type { Finding } from "#core/finding.ts";
import { warning, type Check } from "#quadlet/checks/check.ts";
import type { UnitFile } from "#quadlet/parse-unit.ts";

const CODE = "line_end";

function check({ filename, text }: UnitFile): Finding[] {
  const at = text.indexOf("\r\n");
  if (at === -1) return [];
  const line = text.slice(0, at).split("\n").length;
  const message = "Lines end in CR LF. Podman trims them here; other tools that read the file may not.";
  const action = "Save the file with LF line ends.";
  return [warning(CODE, { file: filename, line, column: 1 }, { message, action })];
}

/** CRLF: Podman trims it, but a mounted script or an env file of the same editor will not work. */
export const lineEnd: Check = {
  code: CODE,
  ofUnit: {
    run: ({ file, dropIns }) => (dropIns.length === 0 ? check(file) : [file, ...dropIns].flatMap(check)),
  },
};
