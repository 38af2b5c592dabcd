import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { Api } from "../api/client.ts";
import type { Latest } from "../api/shapes.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { writePrivately } from "../settings.ts";
import { type Poll, type Which, fetchRelease, pollLatest } from "./fetch-release.ts";
import { type Release, type ReleaseFolder, isNewer, isWhole } from "./release-folder.ts";

/**
 * What was seen last, beside the releases. The link is the truth about what is installed; this adds what it cannot say:
 * the ETag, and the newest (epoch, version) ever seen, a deletion's included.
 */
const Seen = z.object({
  format: z.literal(1),
  server: z.string(),
  deployment: z.string(),
  namespace: z.string(),
  epoch: z.int(),
  version: z.int(),
  manifest_sha256: z.string(),
  etag: z.string().nullable(),
  deleted: z.boolean(),
});
type Seen = z.infer<typeof Seen>;

/** A deletion: a version too, with a digest that the server knows it by. */
export type Marker = Pick<Latest, "deployment" | "namespace" | "epoch" | "version" | "manifest_sha256">;

export type Outcome =
  | { kind: "unchanged" | "paused" }
  | { kind: "new"; release: Release; before: Release | null }
  | { kind: "deleted"; marker: Marker };
export type Followed = { outcome: Outcome; pollSeconds: number };

export type Following = {
  api: Api;
  folder: ReleaseFolder;
  root: string;
  link: string;
  which: Which;
  say: (text: string) => void;
};

/**
 * One poll: what is newer is fetched, verified and stored; the caller points the link at it and then calls `remember`. Refuses another
 * deployment than the one that is here, an answer older than what was seen, and other bytes under the same version.
 */
export async function followLatest(of: Following): Promise<Followed & { remember: () => void }> {
  const seen = readSeen(of.root);
  const installed = of.folder.at(of.link);
  const isIntact = installed !== null && isWhole(installed.folder, installed.manifest);
  const mayBeUnchanged = seen !== null && seen.server === of.api.server && (seen.deleted || isCurrent(seen, installed));
  const poll = await pollLatest(of.api, of.which, mayBeUnchanged && (isIntact || seen.deleted) ? seen.etag : null);
  const done = (outcome: Outcome) => ({
    outcome,
    pollSeconds: poll.pollSeconds,
    remember: () => writeSeen(of, poll),
  });
  const { latest } = poll;
  if (latest === null) return done(seen?.deleted ? { kind: "deleted", marker: seen } : { kind: "unchanged" });
  refuseStranger(latest, seen ?? installed?.manifest ?? null, of.root);
  const newest = newestOf(seen, installed?.manifest ?? null);
  if (newest && isNewer(newest, latest)) throw wentBack(latest, newest);
  if (latest.deleted) return done({ kind: "deleted", marker: latest });
  if (!latest.is_active) return done({ kind: "paused" });
  if (installed && !isNewer(latest, installed.manifest)) {
    if (installed.manifestSha256 !== latest.manifest_sha256) throw otherBytes(latest);
    if (isIntact) return done({ kind: "unchanged" });
    of.say("files of the installed version were changed by hand; it is fetched anew");
  }
  const release = await fetchRelease(of.api, of.folder, { latest, before: installed, say: of.say });
  return done({ kind: "new", release, before: installed });
}

const isCurrent = (seen: Seen, installed: Release | null) =>
  installed !== null && seen.epoch === installed.manifest.epoch && seen.version === installed.manifest.version;

type Numbers = { epoch: number; version: number };
const newestOf = (a: Numbers | null, b: Numbers | null) => (a && b ? (isNewer(b, a) ? b : a) : (a ?? b));

function refuseStranger(
  latest: Latest,
  known: { name?: string; deployment?: string; namespace: string } | null,
  root: string,
) {
  const name = known?.deployment ?? known?.name;
  if (name === undefined || (name === latest.deployment && known?.namespace === latest.namespace)) return;
  throw new CliError(EXIT.failed, {
    code: "other_deployment",
    message: `${root} holds ${name}, and the server answers ${latest.deployment}.`,
    action: "Give another folder, or name the deployment.",
  });
}

const wentBack = (latest: Latest, newest: Numbers) =>
  new CliError(EXIT.corrupt, {
    code: "went_back",
    message: `The server answers version ${latest.version} (epoch ${latest.epoch}), older than version ${newest.version} (epoch ${newest.epoch}) that was seen here.`,
    action: "Nothing was changed. Tell whoever runs the server: a restored backup needs a new epoch.",
  });

const otherBytes = (latest: Latest) =>
  new CliError(EXIT.corrupt, {
    code: "version_changed",
    message: `The server gives other bytes for version ${latest.version} than before. A version never changes.`,
    action: "Nothing was changed. Tell whoever runs the server.",
  });

const seenFile = (root: string) => path.join(root, "state.json");

function readSeen(root: string): Seen | null {
  try {
    return Seen.parse(JSON.parse(readFileSync(seenFile(root), "utf8")));
  } catch {
    return null;
  }
}

function writeSeen({ root, api }: Following, { latest, etag }: Poll): void {
  if (latest === null) return;
  const seen = Seen.parse({ ...latest, format: 1, server: api.server, etag });
  writePrivately(seenFile(root), `${JSON.stringify(seen, null, 2)}\n`);
}
