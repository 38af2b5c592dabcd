import { execFile } from "node:child_process";
import path from "node:path";

export type Step = { command: string; output: string };

const BLOCK = /^```console\n([^]*?)^```$/gm;

/** The commands of a page's console blocks, each with the output that the page shows. */
export function readSteps(page: string): Step[] {
  return [...page.matchAll(BLOCK)].flatMap(([, text = ""]) =>
    text
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const end = part.indexOf("\n");
        return { command: part.slice(0, end), output: part.slice(end + 1).trimEnd() };
      }),
  );
}

/** The page with other output under its commands. */
export function withOutputs(page: string, outputs: readonly string[]): string {
  let index = 0;
  return page.replace(BLOCK, (block) => {
    const commands = block.split("\n").filter((line) => line.startsWith("$ "));
    const shown = commands.map((command) => `${command}\n${outputs[index++] ?? ""}`.trimEnd());
    return `\`\`\`console\n${shown.join("\n\n")}\n\`\`\``;
  });
}

/** What a terminal would show, with the places of this run as the page writes them. */
export function runStep(
  command: string,
  of: { folder: string; env: Record<string, string>; url: string },
): Promise<string> {
  return new Promise((resolve) => {
    const options = {
      cwd: of.folder,
      env: { ...process.env, INIT_CWD: of.folder, ...of.env },
      maxBuffer: 64 * 1024 * 1024,
    };
    execFile("bash", ["-c", `exec 2>&1; ${command}`], options, (_error, stdout) => {
      const lines = stdout
        .replaceAll(of.url, "http://127.0.0.1:8787")
        .replaceAll(of.folder, "~")
        .replaceAll(of.env["LEGER_QUADLET"] ?? "\u0000", "/usr/libexec/podman/quadlet")
        .trimEnd()
        .split("\n");
      // How often a render is looked at before it is done depends on the machine.
      resolve(lines.filter((line) => !/^… version \d+ is (?:queued|rendering)$/.test(line)).join("\n"));
    });
  });
}

/** Equal pages compare equal whenever they were made: instants, ids, digests and counts of rows are not what the page is about. */
export const comparable = (text: string) =>
  text
    .replaceAll(/\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{3})?)?Z?)?/g, "DATE")
    .replaceAll(/^\d+ +(?=DATE)/gm, "SEQ ")
    .replaceAll(/\d+ lines in/g, "N lines in")
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
    .replaceAll(/\b[0-9a-f]{12,64}\b/g, "DIGEST")
    .replaceAll(/n[0-9a-f]{8}CNTRL/g, "DEVICE");

export const TOUR_PAGE = path.join(import.meta.dirname, "../../docs/tour.md");
