import { readFileSync } from "node:fs";
import path from "node:path";
import type { Api } from "../api/client.ts";
import { retryAfter, refusalOf } from "../api/client.ts";
import { Latest } from "../api/shapes.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { z } from "zod";
import { MANIFEST_FILE, type Release, type ReleaseFolder, sha256 } from "./release-folder.ts";

export type Poll = {
  etag: string | null;
  /** Seconds until the server wants to be asked again. */
  pollSeconds: number;
  /** Null: nothing new. */
  latest: Latest | null;
};

const POLL_SECONDS_DEFAULT = 300;
const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;

export type Which = { deployment?: string | undefined; namespace?: string | undefined };

/** One question to the server: is there something else than `etag`? */
export async function pollLatest(api: Api, which: Which, etag: string | null): Promise<Poll> {
  const answer = await api.send({
    path: "/config/latest",
    query: { deployment: which.deployment, namespace: which.namespace },
    ...(etag !== null && { headers: { "if-none-match": etag } }),
  });
  const pollSeconds = retryAfter(answer.headers) ?? POLL_SECONDS_DEFAULT;
  if (answer.status === 304) return { etag, pollSeconds, latest: null };
  if (answer.status >= 400) throw refusalOf(answer, api.server);
  const parsed = z.object({ data: Latest }).safeParse(parseJson(answer.bytes));
  if (!parsed.success)
    throw new CliError(EXIT.failed, {
      code: "answer_unknown",
      message: `${api.server} answers /config/latest in a shape that this leger does not know.`,
      action: "Update leger, or check LEGER_API_URL.",
    });
  return { etag: answer.headers.get("etag"), pollSeconds, latest: parsed.data.data };
}

/**
 * Brings a version here: the manifest by its digest, then each file by the manifest's; what the release before has already
 * is taken from there. The answer that named the version and the manifest must agree.
 */
export async function fetchRelease(
  api: Api,
  folder: ReleaseFolder,
  of: { latest: Latest; before: Release | null; say: (text: string) => void },
): Promise<Release> {
  const { latest, before } = of;
  const pathOf = (file: string) => `/config/${latest.version}/files/${encodeURIComponent(file)}`;
  const { bytes: manifestBytes } = await api.download({ path: pathOf(MANIFEST_FILE), bytesMax: MANIFEST_BYTES_MAX });
  let fetched = 0;
  const release = await folder.store({
    manifestBytes,
    manifestSha256: latest.manifest_sha256,
    read: async (file) => {
      const own = before && ownCopy(before, file);
      if (own) return own;
      fetched += 1;
      return (await api.download({ path: pathOf(file.filename), bytesMax: file.size })).bytes;
    },
  });
  const { name, namespace, epoch, version, files } = release.manifest;
  if (
    name !== latest.deployment ||
    namespace !== latest.namespace ||
    epoch !== latest.epoch ||
    version !== latest.version
  )
    throw new CliError(EXIT.corrupt, {
      code: "release_corrupt",
      message: `The server names version ${latest.version} of ${latest.deployment}, and gives the manifest of version ${version} of ${name}.`,
      action: "Nothing was changed. Tell whoever runs the server.",
    });
  of.say(`version ${version}: ${files.length} files, ${fetched} fetched, every digest verified`);
  return release;
}

function ownCopy(before: Release, file: { filename: string; sha256: string }): Uint8Array | null {
  const known = before.manifest.files.find(({ filename }) => filename === file.filename);
  if (known?.sha256 !== file.sha256) return null;
  try {
    const bytes = readFileSync(path.join(before.folder, file.filename));
    return sha256(bytes) === file.sha256 ? bytes : null;
  } catch {
    return null;
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}
