import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

type Version = { release?: object; files: Readonly<Record<string, string>> };

/** Writes packs of a test's own into a temporary folder: pack -> version -> files. `remove` takes it away again. */
export async function makeFixtures(
  packs: Readonly<Record<string, Readonly<Record<string, Version>>>>,
): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), "leger-upstreams-"));
  for (const [pack, versions] of Object.entries(packs)) {
    for (const [version, { release, files }] of Object.entries(versions)) {
      const base = path.join(folder, pack, version);
      await mkdir(base, { recursive: true });
      if (release) await writeFile(path.join(base, "release.json"), JSON.stringify(release));
      for (const [name, text] of Object.entries(files)) {
        const file = path.join(base, "pack", name);
        await mkdir(path.dirname(file), { recursive: true });
        await writeFile(file, text);
      }
    }
  }
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/**
 * A pack whose names exercise git's ordering (`a.txt` sorts before the folder `a`, `a0` after it) and whose paths
 * exceed the hundred characters of an old tar header.
 */
export const PACK_FILES: Readonly<Record<string, string>> = {
  "leger-pack.json": '{"name":"test"}\n',
  "schema.json": '{"type":"object"}\n',
  "a/inner.j2": "[Container]\nImage={{ image }}\n",
  "a.txt": "sorts before the folder\n",
  a0: "sorts after the folder\n",
  "templates/é.container.j2": "# not only ASCII: ü\n",
  [`templates/${"deep/".repeat(20)}last.j2`]: "",
};

/** Three versions: an ordinary one, one without asset and with a tag object, a draft. */
export const THREE_VERSIONS = {
  leger: {
    "v1.0.0": { files: PACK_FILES },
    "v1.1.0": {
      files: { ...PACK_FILES, a0: "changed\n" },
      release: { asset: false, annotated_tag: true, body: "notes" },
    },
    "v2.0.0": { files: PACK_FILES, release: { draft: true } },
  },
};
