import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

const Manifest = z.object({
  epoch: z.int(),
  version: z.int(),
  files: z.array(z.object({ filename: z.string(), sha256: z.string() })),
});

/**
 * Reads a folder of `leger pull` all the time, as a device would: resolves the link once, then reads every file behind it. Notes each
 * version that it saw, and every moment at which that was not a complete version or an older one than before.
 */
export function watchFolder(out: string) {
  const problems: string[] = [];
  const versions: number[] = [];
  let newest = [0, 0];
  let looks = 0;
  let isOver = false;
  const look = () => {
    if (!existsSync(path.join(out, "current"))) {
      if (versions.length > 0) problems.push("current is gone");
      return;
    }
    const folder = realpathSync(path.join(out, "current"));
    const { epoch, version, files } = Manifest.parse(
      JSON.parse(readFileSync(path.join(folder, "manifest.json"), "utf8")),
    );
    if (epoch < (newest[0] ?? 0) || (epoch === newest[0] && version < (newest[1] ?? 0)))
      problems.push(`went back from ${newest.join(".")} to ${epoch}.${version}`);
    newest = [epoch, version];
    if (versions.at(-1) !== version) versions.push(version);
    for (const { filename, sha256 } of files) {
      const digest = createHash("sha256")
        .update(readFileSync(path.join(folder, filename)))
        .digest("hex");
      if (digest !== sha256) problems.push(`${filename} of version ${version} is incomplete`);
    }
    looks++;
  };
  const loop = (async () => {
    while (!isOver) {
      try {
        look();
      } catch (cause) {
        problems.push(String(cause));
      }
      await sleep(3);
    }
  })();
  return {
    end: async () => {
      isOver = true;
      await loop;
      return { problems, versions, looks };
    },
  };
}
