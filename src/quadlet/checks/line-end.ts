import { warning, type Check } from "#quadlet/checks/check.ts";

const CODE = "line_end";

/** CRLF: Podman trims it, but a mounted script or an env file of the same editor will not work. */
export const lineEnd: Check = {
  code: CODE,
  run: ({ bundle }) =>
    bundle.units.flatMap((unit) =>
      [unit.file, ...unit.dropIns].flatMap(({ filename, text }) => {
        const at = text.indexOf("\r\n");
        if (at === -1) return [];
        const line = text.slice(0, at).split("\n").length;
        const message = "Lines end in CR LF. Podman trims them here; other tools that read the file may not.";
        return [
          warning(CODE, { file: filename, line, column: 1 }, { message, action: "Save the file with LF line ends." }),
        ];
      }),
    ),
};
