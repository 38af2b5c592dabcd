import { type NoParams, type Row, type Status, row } from "#core/error-row.ts";
import type { Finding } from "#core/finding.ts";
import { GENERATOR_ERRORS } from "#core/generator-errors.ts";
import { IDENTITY_ERRORS } from "#core/identity-errors.ts";
import { LIFE_ERRORS } from "#core/life-errors.ts";

/**
 * Every refusal of the HTTP API. A new one is a new row: status, a sentence in the user's nouns, one imperative action.
 * docs/errors.md and the OpenAPI enum are generated from this table.
 */
const CATALOGUE = {
  // The request itself
  route_not_found: row(404, (p: { path: string }) => `There is no ${p.path}.`, "See /docs for the routes of this API."),
  body_not_json: row(
    400,
    (p: { detail: string }) => `The body is not JSON: ${p.detail}.`,
    "Send one JSON object, UTF-8.",
  ),
  body_too_large: row(
    413,
    (p: { limit: number }) => `The body is larger than ${p.limit} bytes.`,
    "Send less; the limits are in docs/limits.md.",
  ),
  body_too_complex: row(
    400,
    (p: { detail: string }) => `The body is too complex: ${p.detail}.`,
    "Flatten it; the limits are in docs/limits.md.",
  ),
  number_not_exact: row(
    400,
    (p: { pointer: string }) => `The integer at ${p.pointer || "/"} is beyond 2^53 and would be changed by storing it.`,
    "Send it as a string.",
  ),
  url_too_long: row(
    414,
    (p: { limit: number }) => `The address is longer than ${p.limit} characters.`,
    "Send less in the query; the limits are in docs/limits.md.",
  ),
  headers_too_large: row(
    431,
    (p: { limit: string }) => `The request has more than ${p.limit} in its headers.`,
    "Send fewer or shorter headers; the limits are in docs/limits.md.",
  ),
  origin_not_allowed: row(
    403,
    (p: { origin: string }) => `Pages of ${p.origin} may not call this API.`,
    "Operator: name the exact origin in CORS_ORIGINS.",
  ),
  media_type_unsupported: row(
    415,
    (_: NoParams) => "The body is not declared as JSON.",
    "Send Content-Type: application/json.",
  ),
  request_invalid: row(
    400,
    (p: { count: number }) => `The request has ${p.count === 1 ? "a problem" : `${p.count} problems`}.`,
    "Correct what error.details lists.",
  ),
  idempotency_key_reused: row(
    422,
    (_: NoParams) => "This Idempotency-Key was used with another body.",
    "Use a new key for a new request, or send the first body again.",
  ),

  ...IDENTITY_ERRORS,
  ...GENERATOR_ERRORS,
  rate_limit_exceeded: row(
    429,
    (p: { max: number; span: string; what: string }) => `At most ${p.max} in ${p.span}: ${p.what}.`,
    "Wait for as many seconds as Retry-After says, then send it again.",
    60,
  ),

  // Configurations
  configuration_not_found: row(
    404,
    (p: { name: string }) => `There is no configuration ${p.name} in this namespace.`,
    "List yours with GET /configurations.",
  ),
  deployment_name_taken: row(
    409,
    (p: { name: string }) => `A configuration ${p.name} exists already in this namespace.`,
    "Save to it with PUT, or choose another name.",
  ),
  config_invalid: row(
    400,
    (p: { count: number }) =>
      `The decisions have ${p.count === 1 ? "a problem" : `${p.count} problems`}; nothing was saved.`,
    "Correct what error.details lists: each names the decision by JSON Pointer.",
  ),
  decision_immutable: row(
    409,
    (p: { pointer: string }) => `The decision ${p.pointer} cannot be changed after its first save.`,
    "Keep its value, or create a new configuration.",
  ),
  schema_version_unknown: row(
    400,
    (p: { pack: string; version: string; known: string }) =>
      `The pack ${p.pack} has no ready schema version ${p.version}.`,
    "Choose one that GET /schemas lists.",
  ),
  pack_fixed: row(
    409,
    (p: { name: string; pack: string }) => `${p.name} is made from ${p.pack}, and a configuration keeps its pack.`,
    "Leave pack out, or create another configuration from the other pack.",
  ),
  configuration_uploaded: row(
    409,
    (p: { name: string }) => `${p.name} was uploaded as finished files, so it has no decisions to edit.`,
    "Upload it again with POST /config/upload, or roll back to a version that was rendered.",
  ),
  podman_target_out_of_range: row(
    400,
    (p: { target: string; range: string }) =>
      `Podman ${p.target} is outside what this schema version supports (${p.range}).`,
    "Choose a podman_target inside that range.",
  ),
  precondition_required: row(
    428,
    (_: NoParams) => "An edit must say which version it was made from.",
    'Send If-Match with the ETag you read (for example "3"), or If-Match: * to overwrite on purpose.',
  ),
  precondition_malformed: row(
    400,
    (_: NoParams) => "If-Match is not an ETag of a configuration.",
    'Send If-Match: "N" with the version you edited, or *.',
  ),
  version_conflict: row(
    412,
    (p: { expected: number; actual: number }) => `You edited version ${p.expected}, and the newest is ${p.actual}.`,
    "Look at the versions in error.details, merge, and save again.",
  ),
  ...LIFE_ERRORS,
  write_contended: row(
    503,
    (_: NoParams) => "Others saved this configuration again and again at the same moment.",
    "Try again.",
    2,
  ),

  // Secrets
  invalid_secret_name: row(
    400,
    (_: NoParams) => "A secret's name is made of letters, digits, underscores and hyphens, 1 to 64 of them.",
    "Choose such a name, for example openai_api_key.",
  ),
  secret_value_empty: row(400, (_: NoParams) => "The value is empty.", "Send at least one byte."),
  secret_value_too_large: row(
    413,
    (p: { bytes: number; limit: number }) => `The value has ${p.bytes} bytes; a secret holds ${p.limit} at most.`,
    "Store something smaller; what is larger is a file of a configuration.",
  ),
  secret_value_not_base64: row(
    400,
    (_: NoParams) => "The value is not base64, as its encoding says.",
    "Send standard base64 with padding, or leave `encoding` out.",
  ),
  secret_not_found: row(
    404,
    (p: { name: string }) => `There is no secret ${p.name}.`,
    "List yours with: leger secrets list",
  ),
  secret_version_not_found: row(
    404,
    (p: { version: number }) => `The value of version ${p.version} is not kept.`,
    "See GET /secrets/{name} for the versions that are.",
  ),
  secret_is_binary: row(
    409,
    (_: NoParams) => "The value is no UTF-8 text, so plain JSON would change it.",
    "Ask for it with ?encoding=base64.",
  ),
  secret_not_deleted: row(
    409,
    (p: { name: string }) => `The secret ${p.name} is not deleted.`,
    "Only a deleted secret can be restored or purged.",
  ),
  secret_not_restorable: row(
    410,
    (p: { name: string }) => `The value of the deleted secret ${p.name} is erased.`,
    "Set it again.",
  ),
  secret_exists: row(
    409,
    (p: { name: string }) => `The secret ${p.name} has a value already.`,
    "Send replace: true to give it a new one.",
  ),
  secret_unreadable: row(
    503,
    (_: NoParams) => "The stored value cannot be decrypted with the keys of this server.",
    "Operator: see secret.unreadable in the log; the key ring must hold every kid that is in use.",
    300,
  ),
  too_many_secrets: row(
    409,
    (p: { limit: number }) => `This workspace has ${p.limit} secrets, which is the limit.`,
    "Purge those that you no longer need.",
  ),
  rotation_running: row(
    409,
    (_: NoParams) => "Such a rotation is running already.",
    "Watch it with GET /operations/key-rotations.",
  ),
  rotation_not_found: row(
    404,
    (_: NoParams) => "There is no such rotation.",
    "List them with GET /operations/key-rotations.",
  ),
  workspace_not_found: row(
    404,
    (_: NoParams) => "There is no such workspace, or it has no secrets yet.",
    "Check its id.",
  ),

  // Renders and delivery
  version_not_found: row(
    404,
    (p: { version: number }) => `There is no version ${p.version} here.`,
    "List versions with GET /configurations/{name}/versions.",
  ),
  render_not_ready: row(
    409,
    (p: { version: number; state: string }) => `Version ${p.version} is not rendered: its job is ${p.state}.`,
    "Watch GET /renders/{version}.",
  ),
  render_not_failed: row(
    409,
    (p: { version: number; state: string }) =>
      `Version ${p.version} is ${p.state}; only a failed render can be tried again.`,
    "Watch GET /renders/{version}.",
  ),
  nothing_deployed: row(
    404,
    (_: NoParams) => "Nothing is rendered yet for this deployment.",
    "Save a configuration, and watch its render. Keep running what you run.",
  ),
  deployment_required: row(
    409,
    (p: { names: string }) => `This workspace has had more than one deployment: ${p.names}.`,
    "Say which one: GET /config/latest?deployment=NAME",
  ),
  file_not_found: row(
    404,
    (p: { file: string }) => `This version ships no file ${p.file}.`,
    "The manifest lists the files.",
  ),
  file_corrupt: row(
    503,
    (p: { file: string }) => `The stored bytes of ${p.file} do not match their digest and were not sent.`,
    "Keep what you run; the operator has been alarmed.",
    300,
  ),
  link_expired: row(410, (_: NoParams) => "This link has expired.", "Ask for new links: POST /config/{version}/links"),
  link_invalid: row(
    403,
    (_: NoParams) => "This link was not made by this server.",
    "Ask for links: POST /config/{version}/links",
  ),

  // Devices
  device_not_found: row(
    404,
    (p: { device: string }) => `There is no device ${p.device} of yours here.`,
    "List yours with GET /devices.",
  ),
  device_not_own: row(
    403,
    (p: { device: string }) => `Hostname and versions of ${p.device} are that device's own to say.`,
    "Run this on the device itself; from elsewhere, labels can be set.",
  ),
  manifest_mismatch: row(
    409,
    (p: { version: number }) => `Version ${p.version} has another manifest than the one that was reported.`,
    "Fetch GET /config/latest again, verify the digests, and report what is installed.",
  ),

  // Registry
  schema_not_found: row(
    404,
    (p: { version: string }) => `There is no schema version ${p.version}.`,
    "List them with GET /schemas.",
  ),
  schema_not_ready: row(
    409,
    (p: { version: string; status: string }) =>
      `${p.version} is ${p.status}: nobody can move to it, so it has no impact.`,
    "Read why with GET /schemas/{version}.",
  ),
  schema_version_taken: row(
    409,
    (p: { pack: string; version: string }) =>
      `${p.pack} ${p.version} is in the registry, and a version's content never changes.`,
    "Preview the pack under the version that it will be released as, or read GET /schemas/{version}/impact.",
  ),
  candidate_too_large: row(
    413,
    (p: { limit: number }) =>
      `The pack is larger than a pack may be (${p.limit} bytes, packed or unpacked); nothing was stored.`,
    "Make the pack smaller; error.details says which bound it is beyond.",
  ),
  candidate_unreadable: row(
    400,
    (p: { count: number }) =>
      `The body is no pack: ${p.count === 1 ? "one thing is" : `${p.count} things are`} wrong with it; nothing was stored.`,
    "Send what `leger-pack build` writes, as application/gzip; error.details says what is wrong.",
  ),
  candidate_media_type: row(
    415,
    (_: NoParams) => "The body is not declared as a gzip archive.",
    "Send Content-Type: application/gzip.",
  ),
  candidate_expiring: row(
    503,
    (_: NoParams) => "This candidate has expired, and is being removed at this moment.",
    "Send it again in two minutes.",
    120,
  ),
  proposal_not_found: row(404, (_: NoParams) => "There is no such proposal.", "List them with GET /proposals."),
  proposal_decided: row(
    409,
    (p: { state: string }) => `This proposal is ${p.state}.`,
    "List the open ones with GET /proposals.",
  ),
  proposal_not_possible: row(
    409,
    (p: { count: number }) =>
      `The deployment cannot go there as it is: ${p.count === 1 ? "one thing is" : `${p.count} things are`} in the way.`,
    "Give the values that error.details asks for as inputs, or change the decisions it names.",
  ),
  webhook_unsigned: row(
    401,
    (_: NoParams) => "The webhook's signature is missing or does not match its body.",
    "Give GitHub the secret that is in GITHUB_WEBHOOK_SECRETS, and choose application/json.",
  ),
  webhook_not_configured: row(
    409,
    (_: NoParams) => "This server has no webhook secret, so it believes no webhook.",
    "Set GITHUB_WEBHOOK_SECRETS, or remove the webhook: the hourly sync does the same work.",
  ),
  sync_running: row(
    409,
    (_: NoParams) => "A sync of the registry is running already.",
    "Look at GET /schemas in a moment.",
  ),

  // Us
  storage_unavailable: row(
    503,
    (_: NoParams) => "The storage did not answer; nothing was half done.",
    "Send the same request again (with its Idempotency-Key).",
    5,
  ),
  not_configured: row(
    503,
    (p: { names: string }) => `This server lacks settings: ${p.names}.`,
    "Operator: set them as docs/how-to/deploy.md says.",
  ),
  internal: row(
    500,
    (_: NoParams) => "Something failed on our side.",
    "Try again; if it persists, report the x-request-id.",
  ),
} as const;

export type ErrorCode = keyof typeof CATALOGUE;
export type ErrorParams<C extends ErrorCode> = Parameters<(typeof CATALOGUE)[C]["message"]>[0];
export const ERROR_CODES = Object.keys(CATALOGUE) as [ErrorCode, ...ErrorCode[]];

/** One row of the catalogue for documentation; parameters appear as `{name}`. */
export function describeError(code: ErrorCode): { status: Status; message: string; action: string } {
  const entry = CATALOGUE[code] as Row<Record<string, string>>;
  const params = new Proxy({}, { get: (_, name) => `{${String(name)}}` });
  return { status: entry.status, message: entry.message(params), action: entry.action };
}

/**
 * A refusal on its way to the edge. `details` are findings (DESIGN 6), `cause` is logged and never sent.
 */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly status: Status;
  readonly action: string;
  readonly retryAfterSeconds: number | null;
  readonly details: readonly (Finding | ErrorDetail)[];

  private constructor(code: ErrorCode, message: string, options: AppErrorOptions) {
    super(message, { cause: options.cause });
    const entry = CATALOGUE[code];
    this.code = code;
    this.status = entry.status;
    this.action = entry.action;
    this.retryAfterSeconds = options.retryAfterSeconds ?? entry.retryAfterSeconds;
    this.details = options.details ?? [];
  }

  static of<C extends ErrorCode>(code: C, params: ErrorParams<C>, options: AppErrorOptions = {}): AppError {
    const { message } = CATALOGUE[code] as unknown as Row<ErrorParams<C>>;
    return new AppError(code, message(params), options);
  }
}

/** A detail that is no finding, for example a version that came in between. */
export type ErrorDetail = { [key: string]: string | number | null };
export type AppErrorOptions = {
  details?: readonly (Finding | ErrorDetail)[];
  cause?: unknown;
  /** Instead of the row's, where the moment is known. */
  retryAfterSeconds?: number;
};
