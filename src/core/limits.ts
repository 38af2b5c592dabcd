/**
 * Every bound of the system in one table (law 9): what is counted, the number, its unit, and the catalogue code or
 * finding code that a value one beyond it gets. docs/limits.md is printed from it, and one boundary test walks it.
 * Limits count bytes, characters, steps and items, never time: a Worker's clock stands still between I/O.
 */
type Limit = { readonly value: number; readonly unit: string; readonly what: string; readonly code: string };

export const LIMITS = {
  engine_steps_max: {
    value: 1_000_000,
    unit: "steps",
    what: "work of one render: code by its tokens, values by their size",
    code: "limit_steps",
  },
  engine_depth_max: {
    value: 150,
    unit: "calls",
    what: "nesting of macros, includes, imports and blocks",
    code: "limit_depth",
  },
  engine_range_items_max: {
    value: 100_000,
    unit: "items",
    what: "length of one range() or one loop",
    code: "limit_loop",
  },
  engine_string_chars_max: {
    value: 4_194_304,
    unit: "characters",
    what: "one value built inside a template",
    code: "limit_string",
  },
  engine_source_chars_max: { value: 524_288, unit: "characters", what: "source of one template", code: "limit_source" },
  output_file_chars_max: { value: 1_048_576, unit: "characters", what: "one rendered file", code: "limit_output_file" },
  output_total_chars_max: {
    value: 4_194_304,
    unit: "characters",
    what: "all files of one render",
    code: "limit_output_total",
  },
  output_files_max: { value: 200, unit: "files", what: "files of one render", code: "limit_output_files" },
  pack_bytes_max: { value: 8_388_608, unit: "bytes", what: "one pack, unpacked", code: "pack_too_large" },
  pack_files_max: { value: 500, unit: "files", what: "one pack", code: "pack_too_many_files" },
  pack_file_bytes_max: { value: 262_144, unit: "bytes", what: "one file of a pack", code: "pack_file_too_large" },
  pack_path_chars_max: { value: 200, unit: "characters", what: "path of a file in a pack", code: "pack_path_unsafe" },
  // a schema nests twice as deep as the decisions that it describes, and those come in bodies of 32 levels
  pack_json_depth_max: {
    value: 64,
    unit: "levels",
    what: "nesting of a JSON file in a pack",
    code: "pack_json_too_deep",
  },
  url_chars_max: { value: 4_096, unit: "characters", what: "path and query of one request", code: "url_too_long" },
  headers_max: { value: 100, unit: "headers", what: "one request", code: "headers_too_large" },
  header_bytes_max: {
    value: 16_384,
    unit: "bytes",
    what: "names and values of one request's headers",
    code: "headers_too_large",
  },
  body_bytes_max: { value: 1_048_576, unit: "bytes", what: "body of one request", code: "body_too_large" },
  body_depth_max: { value: 32, unit: "levels", what: "nesting of a JSON body", code: "body_too_complex" },
  body_keys_max: { value: 10_000, unit: "keys and entries", what: "one JSON body", code: "body_too_complex" },
  config_data_chars_max: {
    value: 262_144,
    unit: "characters",
    what: "config_data of one version, as canonical JSON",
    code: "config_invalid",
  },
  report_items_max: {
    value: 200,
    unit: "items",
    what: "steps, and units, of one device report",
    code: "request_invalid",
  },
  device_labels_max: { value: 32, unit: "labels", what: "one device", code: "request_invalid" },
  upload_file_bytes_max: {
    value: 1_048_576,
    unit: "bytes",
    what: "one file of an upload",
    code: "upload_file_too_large",
  },
  upload_bytes_max: { value: 10_485_760, unit: "bytes", what: "all files of an upload", code: "upload_too_large" },
  upload_files_max: { value: 200, unit: "files", what: "one upload", code: "upload_too_many_files" },
  diff_edits_max: {
    value: 2_000,
    unit: "lines",
    what: "changed lines of one answer's file diffs; beyond it a diff replaces whole files (is_minimal: false)",
    code: "diff_not_minimal",
  },
  diff_origins_max: {
    value: 2_000,
    unit: "lines",
    what: "changed lines of one answer that say where they come from (origins_complete: false beyond)",
    code: "diff_origins_cut",
  },
  secret_value_bytes_max: { value: 10_240, unit: "bytes", what: "one secret's value", code: "secret_value_too_large" },
  secret_name_chars_max: { value: 64, unit: "characters", what: "name of a secret", code: "invalid_secret_name" },
  secrets_max: { value: 10_000, unit: "secrets", what: "one workspace", code: "too_many_secrets" },
  generators_max: { value: 50, unit: "generators", what: "one workspace", code: "generators_too_many" },
  idempotency_key_chars_max: { value: 200, unit: "characters", what: "an Idempotency-Key", code: "request_invalid" },
  page_items_max: { value: 100, unit: "items", what: "one page of a list", code: "request_invalid" },
  device_requests_max: {
    value: 20,
    unit: "sign-ins",
    what: "waiting for one user's approval; one more pushes the oldest out",
    code: "approval_not_found",
  },
  candidates_max: {
    value: 20,
    unit: "packs",
    what: "previewed before their release and kept; one more pushes the oldest out",
    code: "schema_not_found",
  },
  device_proof_chars_max: { value: 2048, unit: "characters", what: "a DPoP proof", code: "proof_invalid" },
  id_token_chars_max: { value: 8192, unit: "characters", what: "an id-token of Tailscale", code: "request_invalid" },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof LIMITS;
