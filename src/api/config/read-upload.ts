import {
  MaxFileSizeExceededError,
  MaxPartsExceededError,
  MaxTotalSizeExceededError,
  MultipartParseError,
  MultipartParser,
  type MultipartPart,
  getMultipartBoundary,
} from "@remix-run/multipart-parser";
import { sha256Hex } from "#core/digest.ts";
import { AppError } from "#core/errors.ts";
import { LIMITS } from "#core/limits.ts";
import type { UploadedFile } from "#core/upload.ts";

/** One flat folder: a device installs it as it is. No dot first (hidden), no separators, nothing that a shell reads. */
const SAFE_NAME = /^(?!\.)[A-Za-z0-9@_+-][A-Za-z0-9@._+-]{0,127}$/;
const RESERVED = "manifest.json";
/** Of a text field in the format of the program `sha256sum`: `<hex>  <filename>` lines. */
const SUMS_FIELD = "sha256sums";
const CHECKSUM_HEADER = "x-checksum-sha256";
const HEADER_BYTES_MAX = 4096;
/** Boundaries, headers and the sums: never as much as another file. */
const FRAMING_BYTES_MAX = LIMITS.upload_files_max.value * (HEADER_BYTES_MAX + 256);

/**
 * The files of a multipart/form-data body, read as a stream: a part is looked at as soon as it is there, and the first
 * thing that is too large, wrongly named or not what its checksum says ends the reading. Never `formData()`, which buffers whatever
 * comes. A body that ends in the middle is refused; nothing of it was stored, since storing begins after the last part.
 */
export async function readUpload(request: Request): Promise<UploadedFile[]> {
  const boundary = getMultipartBoundary(request.headers.get("content-type") ?? "");
  if (!/^multipart\/form-data\b/i.test(request.headers.get("content-type") ?? "") || !boundary || boundary.length > 70)
    throw AppError.of("upload_malformed", { detail: "it is not declared as multipart/form-data with a boundary" });
  if (!request.body) throw AppError.of("upload_malformed", { detail: "it is empty" });
  const upload = new Upload();
  const parser = new MultipartParser(boundary, {
    maxHeaderSize: HEADER_BYTES_MAX,
    maxFileSize: LIMITS.upload_file_bytes_max.value,
    maxParts: LIMITS.upload_files_max.value + 1,
    maxTotalSize: LIMITS.upload_bytes_max.value + FRAMING_BYTES_MAX,
  });
  const reader = request.body.getReader();
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      if (bytes > LIMITS.upload_bytes_max.value + 2 * FRAMING_BYTES_MAX) throw tooLarge();
      for (const part of parser.write(value)) await upload.add(part);
    }
    parser.finish();
  } catch (cause) {
    await reader.cancel().catch(() => undefined); // it may have ended by itself
    throw toRefusal(cause);
  }
  return upload.finish();
}

const tooLarge = () => AppError.of("upload_too_large", { limit: LIMITS.upload_bytes_max.value });

function toRefusal(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  if (cause instanceof MaxFileSizeExceededError)
    return AppError.of("upload_file_too_large", { limit: LIMITS.upload_file_bytes_max.value }, { cause });
  if (cause instanceof MaxTotalSizeExceededError) return tooLarge();
  if (cause instanceof MaxPartsExceededError)
    return AppError.of("upload_too_many_files", { limit: LIMITS.upload_files_max.value }, { cause });
  // the parser's words for a stream that ends early, and whatever the connection threw
  const detail =
    cause instanceof MultipartParseError && !/not finished/.test(cause.message)
      ? "it is no well-formed multipart body"
      : "it ends in the middle";
  return AppError.of("upload_malformed", { detail }, { cause });
}

/** What has arrived so far, held to the rules. */
class Upload {
  readonly #files = new Map<string, UploadedFile>();
  readonly #names = new Map<string, string>();
  #sums: string | null = null;
  #bytes = 0;

  async add(part: MultipartPart): Promise<void> {
    const { filename } = part;
    if (filename === undefined) {
      if (part.name !== SUMS_FIELD || this.#sums !== null)
        throw AppError.of("upload_malformed", { detail: `the field ${JSON.stringify(part.name ?? "")} is not known` });
      this.#sums = part.text;
      return;
    }
    this.#checkName(filename);
    if (this.#files.size === LIMITS.upload_files_max.value)
      throw AppError.of("upload_too_many_files", { limit: LIMITS.upload_files_max.value });
    const { bytes } = part;
    this.#bytes += bytes.byteLength;
    if (this.#bytes > LIMITS.upload_bytes_max.value) throw tooLarge();
    const sha256 = await sha256Hex(bytes);
    const said = part.headers[CHECKSUM_HEADER];
    if (said !== undefined && said.toLowerCase() !== sha256)
      throw AppError.of("upload_checksum_mismatch", { file: filename });
    this.#files.set(filename, { filename, bytes, sha256 });
  }

  #checkName(name: string): void {
    const shown = JSON.stringify(name.slice(0, 200));
    const refuse = (detail: string) => AppError.of("upload_name_invalid", { name: shown, detail });
    if (/[/\\]|\.\./.test(name)) throw refuse("it leads to another folder");
    if (!SAFE_NAME.test(name)) throw refuse("it has characters that file names here do not have");
    if (name === RESERVED) throw refuse("the server writes it");
    const twin = this.#names.get(name.toLowerCase());
    if (twin === name) throw refuse("it is there twice");
    if (twin !== undefined) throw refuse(`it differs from ${twin} in case only`);
    this.#names.set(name.toLowerCase(), name);
  }

  /** The files by name, once all have arrived. */
  finish(): UploadedFile[] {
    if (this.#files.size === 0) throw AppError.of("upload_malformed", { detail: "it has no file" });
    for (const line of (this.#sums ?? "").split(/\r?\n/)) {
      if (line.trim() === "") continue;
      const [, sha256, filename] = /^([0-9a-fA-F]{64}) [ *](?:\.\/)?(.+)$/.exec(line) ?? [];
      if (sha256 === undefined || filename === undefined)
        throw AppError.of("upload_malformed", { detail: `${SUMS_FIELD} has a line that sha256sum would not write` });
      if (this.#files.get(filename)?.sha256 !== sha256.toLowerCase())
        throw AppError.of("upload_checksum_mismatch", { file: JSON.stringify(filename.slice(0, 200)) });
    }
    return [...this.#files.values()].toSorted((a, b) => (a.filename < b.filename ? -1 : 1));
  }
}
