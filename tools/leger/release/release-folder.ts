import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  closeSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { CliError, EXIT } from "../cli-error.ts";
import { ReleaseManifest } from "../api/shapes.ts";

/** A release on this disk: its files were held against their digests before it got its name. */
export type Release = { folder: string; manifest: ReleaseManifest; manifestSha256: string };

export const MANIFEST_FILE = "manifest.json";
const RELEASES = "releases";
const STAGING = "staging-";

export const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** (epoch, version): what never goes back. */
export const isNewer = (a: { epoch: number; version: number }, b: { epoch: number; version: number }) =>
  a.epoch > b.epoch || (a.epoch === b.epoch && a.version > b.version);

const corrupt = (message: string) =>
  new CliError(EXIT.corrupt, {
    code: "release_corrupt",
    message,
    action: "Nothing was changed. Run the command again; if it stays so, tell whoever runs the server.",
  });

/**
 * Releases under `root/releases`, one folder each, and the symbolic links that point at them. A folder gets its name only when
 * every file in it is whole and on the disk, and a link is swapped by one rename: whoever resolves a link finds a complete
 * version at any time, also after a power cut.
 */
export const releaseFolder = (root: string) => {
  const releases = path.join(root, RELEASES);
  return {
    /** Writes a release, or finds the one that is there. Throws where bytes do not match, and leaves nothing then. */
    async store(of: { manifestBytes: Uint8Array; manifestSha256: string; read: ReadFile }): Promise<Release> {
      const manifest = readManifest(of.manifestBytes, of.manifestSha256);
      const name = `${manifest.epoch}.${manifest.version}-${of.manifestSha256.slice(0, 12)}`;
      const usual = path.join(releases, name);
      if (existsSync(usual) && isWhole(usual, manifest))
        return { folder: usual, manifest, manifestSha256: of.manifestSha256 };
      const unique = `${process.pid}-${randomBytes(4).toString("hex")}`;
      // Changed by hand, and perhaps what a link points at: the good one comes beside it.
      const folder = existsSync(usual) ? `${usual}-${unique}` : usual;
      mkdirSync(releases, { recursive: true });
      const staging = path.join(releases, `${STAGING}${unique}`);
      mkdirSync(staging);
      try {
        await writeFiles(staging, manifest, of.read);
        writeDurably(path.join(staging, MANIFEST_FILE), of.manifestBytes);
        renameSync(staging, folder);
        syncFolder(releases);
      } finally {
        rmSync(staging, { recursive: true, force: true });
      }
      return { folder, manifest, manifestSha256: of.manifestSha256 };
    },

    /** The release that a link points at; null where there is none, or it is not one of ours. */
    at(link: string): Release | null {
      const target = readLink(link);
      return target === null ? null : readRelease(target);
    },

    /** Points a link at a release, in one step. What is there and is no link stays, and is refused. */
    point(link: string, release: Release): void {
      mkdirSync(path.dirname(link), { recursive: true });
      if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === false)
        throw new CliError(EXIT.failed, {
          code: "not_a_link",
          message: `${link} is there, and is no link of leger's.`,
          action: "Move it away, or name another place.",
        });
      const fresh = `${link}.${process.pid}.new`;
      rmSync(fresh, { force: true });
      symlinkSync(path.relative(path.dirname(link), release.folder), fresh);
      renameSync(fresh, link);
      syncFolder(path.dirname(link));
    },

    /** Removes what a killed run left and the releases that no one of `kept` is. */
    prune(kept: readonly (Release | null)[]): void {
      const names = new Set(kept.flatMap((release) => (release ? [path.basename(release.folder)] : [])));
      for (const name of existsSync(releases) ? readdirSync(releases) : [])
        if (!names.has(name)) rmSync(path.join(releases, name), { recursive: true, force: true });
    },
  };
};
export type ReleaseFolder = ReturnType<typeof releaseFolder>;

/** Gives the bytes of one file, which are held against its digest here. */
export type ReadFile = (file: { filename: string; size: number; sha256: string }) => Promise<Uint8Array>;

const FETCHES_AT_ONCE = 4;

async function writeFiles(staging: string, manifest: ReleaseManifest, read: ReadFile): Promise<void> {
  const waiting = [...manifest.files];
  const work = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) {
      const bytes = await read(file);
      if (bytes.byteLength !== file.size || sha256(bytes) !== file.sha256)
        throw corrupt(`${file.filename} of version ${manifest.version} does not match its digest.`);
      const target = path.join(staging, file.filename);
      mkdirSync(path.dirname(target), { recursive: true });
      writeDurably(target, bytes);
    }
  };
  await Promise.all(Array.from({ length: FETCHES_AT_ONCE }, work));
}

/** The manifest, from bytes that match the digest, with names that stay inside a folder. */
function readManifest(bytes: Uint8Array, expected: string): ReleaseManifest {
  if (sha256(bytes) !== expected) throw corrupt("manifest.json does not match its digest.");
  const parsed = ReleaseManifest.safeParse(parseJson(bytes));
  if (!parsed.success) throw corrupt("manifest.json has a format that this leger does not know. Update leger.");
  const taken = new Set([MANIFEST_FILE]);
  for (const { filename } of parsed.data.files) {
    if (!isSafeName(filename) || taken.has(filename))
      throw corrupt(`The manifest names a file ${JSON.stringify(filename)}.`);
    taken.add(filename);
  }
  return parsed.data;
}

const isSafeName = (name: string) =>
  name.length <= 255 &&
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  !/[\\\u0000-\u001f\u007f]/.test(name) &&
  name.split("/").every((part) => part !== "" && part !== "." && part !== "..");

/** A release as it is on the disk; null where it is none. Its bytes are not read again: `isWhole` does that. */
function readRelease(folder: string): Release | null {
  const file = path.join(folder, MANIFEST_FILE);
  if (!existsSync(file)) return null;
  const bytes = readFileSync(file);
  const parsed = ReleaseManifest.safeParse(parseJson(bytes));
  return parsed.success ? { folder, manifest: parsed.data, manifestSha256: sha256(bytes) } : null;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** Whether every file still has its digest. */
export function isWhole(folder: string, manifest: ReleaseManifest): boolean {
  return manifest.files.every(({ filename, sha256: digest }) => {
    const file = path.join(folder, filename);
    return existsSync(file) && sha256(readFileSync(file)) === digest;
  });
}

function readLink(link: string): string | null {
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return null;
  return path.resolve(path.dirname(link), readlinkSync(link));
}

const writeDurably = (file: string, bytes: Uint8Array) => writeFileSync(file, bytes, { flush: true });

/** A rename is on the disk when the folder is. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
