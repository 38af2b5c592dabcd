import { writePrivately, fromHere } from "../settings.ts";
import type { Output } from "../output.ts";

/** JSON lines to a file, readable by its owner only, or to stdout as they are. */
export function writeResultFile(out: Output, { bytes, file }: { bytes: Uint8Array; file: string | undefined }): void {
  const text = new TextDecoder().decode(bytes);
  if (file === undefined || file === "-") {
    process.stdout.write(text);
    return;
  }
  writePrivately(fromHere(file), text);
  const lines = text.split("\n").filter((line) => line !== "").length;
  out.result({ file: fromHere(file), lines }, [`${lines} lines in ${file}`]);
}
