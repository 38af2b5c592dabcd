import { lstat, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import semver from "semver";
import { z } from "zod";
import type { PackFile, PackFiles } from "./git-objects.ts";

/** `release.json` beside `pack/`: how the version is released, in GitHub's words. All of it may be left out. */
export const ReleaseSettings = z.strictObject({
  /** Absent: the folder's name. */
  tag_name: z.string().min(1).optional(),
  name: z.string().optional(),
  body: z.string().optional(),
  draft: z.boolean().default(false),
  prerelease: z.boolean().default(false),
  /** False: no archive is uploaded, and the pack is read through trees and blobs. */
  asset: z.boolean().default(true),
  immutable: z.boolean().default(false),
  /** True: the tag is an object of its own, as `git tag -a` makes; else it points to the commit, as GitHub's form does. */
  annotated_tag: z.boolean().default(false),
  /** Date of the tagged commit. */
  created_at: z.iso.datetime().optional(),
  published_at: z.iso.datetime().optional(),
});
export type ReleaseSettings = z.infer<typeof ReleaseSettings>;

/** One folder `<version>/` of a pack. */
export type Fixture = { readonly version: string; readonly settings: ReleaseSettings; readonly files: PackFiles };

/** The versions of a pack folder, oldest first; names that are no version come last. A missing folder is an error. */
export async function listFixtures(folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && (await isFolder(path.join(folder, entry.name, "pack")))) names.push(entry.name);
  }
  return names.toSorted((a, b) => {
    const [left, right] = [semver.parse(a), semver.parse(b)];
    if (left && right) return semver.compare(left, right);
    if (left || right) return left ? -1 : 1;
    return a < b ? -1 : 1;
  });
}

export async function readFixture(folder: string, version: string): Promise<Fixture> {
  const settingsFile = path.join(folder, version, "release.json");
  const text = await readFile(settingsFile, "utf8").catch(() => "{}");
  const settings = ReleaseSettings.safeParse(JSON.parse(text));
  if (!settings.success) throw new Error(`${settingsFile}: ${z.prettifyError(settings.error)}`);
  return { version, settings: settings.data, files: await readFolder(path.join(folder, version, "pack")) };
}

/** Every file is mode 644: what a checkout's umask or file system makes of it must not change a commit's name. */
async function readFolder(folder: string): Promise<Map<string, PackFile>> {
  const files = new Map<string, PackFile>();
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  for (const entry of entries) {
    if (entry.isDirectory()) continue;
    const file = path.join(entry.parentPath, entry.name);
    if (!entry.isFile()) throw new Error(`${file}: a pack holds regular files only`);
    const name = path.relative(folder, file).split(path.sep).join("/");
    files.set(name, { bytes: await readFile(file), mode: "100644" });
  }
  return files;
}

const isFolder = (name: string) =>
  lstat(name).then(
    (found) => found.isDirectory(),
    () => false,
  );
