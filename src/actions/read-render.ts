import { readAs } from "#actions/read-as.ts";
import { sha256Hex } from "#core/digest.ts";
import { AppError } from "#core/errors.ts";
import { Manifest, type ManifestFile } from "#core/manifest.ts";
import type { Caller } from "#core/principal.ts";
import type { Deps } from "#deps.ts";
import { MANIFEST_FILE, renderFiles, renderPrefix } from "#store/render-files.ts";
import { type Version, versionStore } from "#store/version-store.ts";

export type RenderedVersion = { version: Version; digest: string; manifest: Manifest; manifestBytes: Uint8Array };

/**
 * Bytes from R2 that match their digest, or nothing: what does not match is an alarm and a 503, never an answer.
 */
export async function readVerified(
  { files, log }: Pick<Deps, "files" | "log">,
  of: { key: string; file: string; sha256: string },
): Promise<Uint8Array> {
  const bytes = await renderFiles.get(files, of.key);
  if (bytes && (await sha256Hex(bytes)) === of.sha256) return bytes;
  log("object.corrupt", { file: of.key, reason: bytes ? "digest" : "missing", digest: of.sha256 });
  throw AppError.of("file_corrupt", { file: of.file });
}

/** A rendered version of the caller's workspace with its manifest. Foreign and unknown numbers look alike. */
export async function readRender(deps: Deps, caller: Caller, number: number): Promise<RenderedVersion> {
  return (await readRenderWith(deps, caller, { number, selects: [] })).render;
}

/** The same, with what else is to be read in the same round trip. */
export async function readRenderWith(
  deps: Deps,
  caller: Caller,
  { number, selects }: { number: number; selects: D1PreparedStatement[] },
): Promise<{ render: RenderedVersion; results: D1Result[] }> {
  const select = versionStore.selectByNumber.bind(deps.db, { workspace_id: caller.workspaceId, version: number });
  const { results } = await readAs(deps, { caller, permission: "config:read" }, [select, ...selects]);
  const row = versionStore.selectByNumber.rows(results[0])[0];
  if (!row) throw AppError.of("version_not_found", { version: number });
  return { render: await renderOf(deps, versionStore.fromRow(row)), results: results.slice(1) };
}

/** Two renders in one round trip: what is installed, null for nothing, and what shall be. */
export async function readRenderPair(
  deps: Deps,
  caller: Caller,
  { from, to }: { from: number | null; to: number },
): Promise<{ from: RenderedVersion | null; to: RenderedVersion }> {
  const numbers = from === null ? [to] : [to, from];
  const selects = numbers.map((version) =>
    versionStore.selectByNumber.bind(deps.db, { workspace_id: caller.workspaceId, version }),
  );
  const { results } = await readAs(deps, { caller, permission: "config:read" }, selects);
  const renders = numbers.map(async (version, index) => {
    const row = versionStore.selectByNumber.rows(results[index])[0];
    if (!row) throw AppError.of("version_not_found", { version });
    return renderOf(deps, versionStore.fromRow(row));
  });
  const [newer, older] = await Promise.all(renders);
  if (!newer) throw AppError.of("version_not_found", { version: to });
  return { from: older ?? null, to: newer };
}

/** The render of a version that was read for this caller; throws while there is none. */
export async function renderOf(deps: Deps, version: Version): Promise<RenderedVersion> {
  const { manifest_checksum: digest, workspace_id, version: number } = version;
  if (version.purged_at !== null) throw AppError.of("version_purged", { version: number });
  if (digest === null)
    throw AppError.of("render_not_ready", { version: number, state: version.job_state ?? "unknown" });
  if (version.deleted === 1)
    throw AppError.of("render_not_ready", { version: number, state: "a deletion, which ships no files" });
  const key = renderPrefix(workspace_id, number) + MANIFEST_FILE;
  const manifestBytes = await readVerified(deps, { key, file: MANIFEST_FILE, sha256: digest });
  return {
    version,
    digest,
    manifest: Manifest.parse(JSON.parse(new TextDecoder().decode(manifestBytes))),
    manifestBytes,
  };
}

/** One file of a render, verified. `manifest.json` is one of them. */
export async function readRenderFile(
  deps: Deps,
  { version, digest, manifest, manifestBytes }: RenderedVersion,
  filename: string,
): Promise<{ bytes: Uint8Array; sha256: string; filename: string }> {
  if (filename === MANIFEST_FILE) return { bytes: manifestBytes, sha256: digest, filename };
  const file = manifest.files.find((candidate) => candidate.filename === filename);
  if (!file) throw AppError.of("file_not_found", { file: filename });
  return { ...file, bytes: await readManifestFile(deps, version, file) };
}

const readManifestFile = (deps: Deps, of: { workspace_id: string; version: number }, file: ManifestFile) =>
  readVerified(deps, {
    key: renderPrefix(of.workspace_id, of.version) + file.filename,
    file: file.filename,
    sha256: file.sha256,
  });

/** For a signed link, whose signature stands for the caller. */
export async function readLinkedFile(
  deps: Deps,
  { workspaceId, version, file }: { workspaceId: string; version: number; file: string },
): Promise<{ bytes: Uint8Array; sha256: string; filename: string }> {
  const row = await versionStore.selectByNumber.first(deps.db, { workspace_id: workspaceId, version });
  if (!row) throw AppError.of("version_not_found", { version });
  return readRenderFile(deps, await renderOf(deps, versionStore.fromRow(row)), file);
}

/** All files of a render, verified, in the manifest's order. */
export async function readAllFiles(
  deps: Deps,
  render: RenderedVersion,
): Promise<{ filename: string; bytes: Uint8Array }[]> {
  const files: { filename: string; bytes: Uint8Array }[] = [{ filename: MANIFEST_FILE, bytes: render.manifestBytes }];
  for (let at = 0; at < render.manifest.files.length; at += READS_AT_ONCE) {
    const some = render.manifest.files.slice(at, at + READS_AT_ONCE);
    const read = await Promise.all(some.map((file) => readManifestFile(deps, render.version, file)));
    some.forEach(({ filename }, index) => files.push({ filename, bytes: read[index] ?? new Uint8Array() }));
  }
  return files;
}

/** Workers open six connections at once; more would only wait. */
const READS_AT_ONCE = 6;
