import { row } from "#core/error-row.ts";

/** Rows of the catalogue (errors.ts) about uploads, deletions and purges. */
export const LIFE_ERRORS = {
  upload_malformed: row(
    400,
    (p: { detail: string }) => `The upload cannot be read: ${p.detail}. Nothing was stored.`,
    "Send multipart/form-data, each file as a part with its filename.",
  ),
  upload_name_invalid: row(
    400,
    (p: { name: string; detail: string }) => `${p.name} cannot be the name of a file: ${p.detail}. Nothing was stored.`,
    "Use plain file names like web.container, without folders: letters, digits and @ . _ + -, at most 128.",
  ),
  upload_checksum_mismatch: row(
    400,
    (p: { file: string }) => `The bytes of ${p.file} that arrived are not those of its checksum. Nothing was stored.`,
    "Send it again; if that changes nothing, compute the SHA-256 anew.",
  ),
  upload_file_too_large: row(
    413,
    (p: { limit: number }) => `A file of the upload is larger than ${p.limit} bytes. Nothing was stored.`,
    "Put large data into an image or a volume.",
  ),
  upload_too_large: row(
    413,
    (p: { limit: number }) => `The files of the upload are larger than ${p.limit} bytes in all. Nothing was stored.`,
    "Put large data into an image or a volume, or make two deployments of it.",
  ),
  upload_too_many_files: row(
    413,
    (p: { limit: number }) => `The upload has more than ${p.limit} files. Nothing was stored.`,
    "Make two deployments of it.",
  ),
  upload_refused: row(
    400,
    (p: { count: number }) =>
      `The units have ${p.count === 1 ? "a problem" : `${p.count} problems`} and would not start. Nothing was stored.`,
    "Correct what error.details lists, or send force=true to store them all the same.",
  ),
  purge_not_confirmed: row(
    400,
    (p: { name: string }) => `A purge cannot be undone, and it was not confirmed with the name ${p.name}.`,
    'Send {"confirm": "NAME"} with the name of the configuration.',
  ),
  purge_not_found: row(
    404,
    (p: { id: string }) => `There is no purge of ${p.id}.`,
    "List what is deleted with GET /configurations?deleted=true.",
  ),
  configuration_ambiguous: row(
    409,
    (p: { name: string; count: number }) => `There are ${p.count} deleted configurations named ${p.name}.`,
    "Say which one by its config_id; error.details lists them.",
  ),
  configuration_purged: row(
    410,
    (p: { name: string }) => `The content of ${p.name} was erased by a purge.`,
    "Nothing brings it back here; create it anew.",
  ),
  configuration_not_deleted: row(
    409,
    (p: { name: string }) => `${p.name} is not deleted, and only what is deleted can be purged.`,
    "Delete it first, and let its devices remove it.",
  ),
  version_purged: row(
    410,
    (p: { version: number }) => `The content of version ${p.version} was erased by a purge.`,
    "Nothing brings it back here; save its decisions anew.",
  ),
  version_is_deletion: row(
    409,
    (p: { version: number }) => `Version ${p.version} is a deletion, which has no content of its own.`,
    "Choose a version before it, or delete the configuration.",
  ),
  rollback_not_possible: row(
    409,
    (p: { count: number }) =>
      `The decisions cannot be carried over: ${p.count === 1 ? "one thing is" : `${p.count} things are`} in the way. Nothing was saved.`,
    "Give the values that error.details asks for as inputs, or go back without keep.",
  ),
  losses_not_accepted: row(
    409,
    (p: { count: number }) =>
      `This loses something: ${p.count === 1 ? "one thing" : `${p.count} things`}, which nobody accepted. Nothing was saved.`,
    "Read error.details or the preview; to do it all the same, send accept_losses: true.",
  ),
} as const;
