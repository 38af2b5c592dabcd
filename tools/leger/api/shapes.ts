import { z } from "zod";
import { Finding } from "#core/finding.ts";
import { Json, JsonObject } from "#core/json.ts";
import { DataRisk, Plan } from "#quadlet/plan/plan.ts";

/**
 * What this client reads of the API's answers, and no more: fields that a later server adds are ignored, and states that it
 * adds are shown as they are.
 */
export const SignedIn = z.object({
  token: z.string().min(1),
  token_type: z.string().default("Bearer"),
  expires_in: z.number().positive(),
  user_uuid: z.string(),
  user: z.object({ tailscale_email: z.string(), display_name: z.string().nullable() }),
});

export const Configuration = z.object({
  config_id: z.string(),
  name: z.string(),
  namespace: z.string(),
  version: z.int(),
  head_version: z.int().nullable(),
  render_state: z.string().nullable(),
  config_data: JsonObject,
  pack: z.string().nullable(),
  schema_version: z.string().nullable(),
  schema_range: z.string(),
  upgrade_policy: z.string(),
  podman_target: z.string(),
  is_active: z.boolean(),
  changes_summary: z.string().nullable(),
  created_by: z.string(),
  saved_at: z.string(),
});
export type Configuration = z.infer<typeof Configuration>;
export const ConfigurationPage = z.object({
  configurations: z.array(Configuration),
  next_cursor: z.string().nullable(),
});

export const Version = z.object({
  version: z.int(),
  epoch: z.int(),
  name: z.string(),
  namespace: z.string(),
  config_data: JsonObject,
  pack: z.string().nullable(),
  schema_version: z.string().nullable(),
  podman_target: z.string(),
  parent_version: z.int().nullable(),
  origin: z.string(),
  changes_summary: z.string().nullable(),
  created_by: z.string(),
  created_at: z.string(),
  render: z.object({ state: z.string(), file_count: z.int().nullable(), total_size_bytes: z.int().nullable() }),
});
export type Version = z.infer<typeof Version>;
/** One row of the history, with the devices that say they are on it. */
export const HistoryVersion = Version.extend({
  devices: z.array(z.object({ hostname: z.string(), status: z.string() })).default([]),
});
export const VersionPage = z.object({ versions: z.array(HistoryVersion), next_cursor: z.string().nullable() });

export const Saved = z.object({
  version: Version,
  unchanged: z.boolean(),
  pruned: z.array(z.string()),
  warnings: z.array(Finding),
});
export type Saved = z.infer<typeof Saved>;

export const Render = z.object({
  version: z.int(),
  name: z.string(),
  state: z.string(),
  attempts: z.int(),
  failure: z.object({ code: z.string(), message: z.string(), findings: z.array(Finding) }).nullable(),
  warnings: z.array(Finding),
});
export type Render = z.infer<typeof Render>;

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What a device should run. `manifest` is read from its own bytes, which the digest proves, and not from here. */
export const Latest = z.object({
  deployment: z.string(),
  namespace: z.string(),
  config_id: z.string(),
  version: z.int().positive(),
  epoch: z.int().positive(),
  manifest_sha256: z.string(),
  deleted: z.boolean(),
  is_active: z.boolean(),
});
export type Latest = z.infer<typeof Latest>;

/** Of manifest.json: what installing needs. */
export const ReleaseManifest = z.object({
  format: z.literal(1),
  name: z.string(),
  namespace: z.string(),
  epoch: z.int().positive(),
  version: z.int().positive(),
  secrets: z.array(z.object({ name: z.string(), required: z.boolean() })),
  files: z.array(z.object({ filename: z.string(), size: z.int().nonnegative(), sha256: Sha256 })).max(1000),
  inputs: z.object({ podman_target: z.string() }),
});
export type ReleaseManifest = z.infer<typeof ReleaseManifest>;

export const SchemaSummary = z.object({
  pack: z.string(),
  version: z.string(),
  status: z.string(),
  podman: z.object({ min: z.string(), max: z.string().nullable() }),
  released_at: z.string(),
  pack_digest: z.string(),
});
export const SchemaList = z.object({ schemas: z.array(SchemaSummary) });
export const SchemaDetail = SchemaSummary.extend({ config_schema: JsonObject, report: z.array(Finding) });

export const Device = z.object({
  device_id: z.string(),
  hostname: z.string(),
  tailnet: z.string(),
  podman_version: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  is_revoked: z.boolean(),
  is_offline: z.boolean(),
  last_seen: z.string(),
});
export type Device = z.infer<typeof Device>;
export const DevicePage = z.object({ devices: z.array(Device), next_cursor: z.string().nullable() });

export const Deployment = z.object({
  name: z.string(),
  namespace: z.string(),
  device_id: z.string(),
  hostname: z.string(),
  status: z.string(),
  state: z.string(),
  version: z.int(),
  head_version: z.int().nullable(),
  is_behind: z.boolean(),
  is_drifted: z.boolean(),
  is_offline: z.boolean(),
  error: z.string().nullable(),
  findings: z.array(Finding),
  times: z.object({ seen: z.string() }),
});
export type Deployment = z.infer<typeof Deployment>;
export const DeploymentPage = z.object({ deployments: z.array(Deployment), next_cursor: z.string().nullable() });

export const ReportAnswer = z.object({ outcome: z.string(), version: z.int() });

export const AuditPage = z.object({
  entries: z.array(
    z.object({
      seq: z.int(),
      at: z.string(),
      actor: z.string(),
      action: z.string(),
      target: z.string(),
      payload: JsonObject,
    }),
  ),
  next_cursor: z.string().nullable(),
});
export const AuditVerdict = z.object({
  is_intact: z.boolean(),
  problems: z.array(z.object({ code: z.string(), seq: z.int(), message: z.string() })),
  checked: z.int(),
  verified_to: z.int(),
  unsealed: z.int(),
  next_cursor: z.string().nullable(),
});

export const DecisionChange = z.object({
  decision: z.string(),
  title: z.string(),
  kind: z.string(),
  before: Json.optional(),
  after: Json.optional(),
  masked: z.boolean(),
});
export const FileDiff = z.object({ filename: z.string(), change: z.string(), unified: z.string() });
export type FileDiff = z.infer<typeof FileDiff>;

export const LostDecision = z.object({
  decision: z.string(),
  title: z.string(),
  reason: z.string(),
  value: Json.optional(),
  masked: z.boolean(),
});
export type LostDecision = z.infer<typeof LostDecision>;

export const Preview = z.object({
  against: z.int().nullable(),
  unchanged: z.boolean(),
  changes_summary: z.string(),
  schema_version: z.string(),
  podman_target: z.string(),
  pruned: z.array(z.string()),
  warnings: z.array(Finding),
  changes: z.array(DecisionChange),
  render: z.object({ state: z.string(), findings: z.array(Finding) }),
  files: z.array(z.object({ filename: z.string(), size: z.int(), sha256: z.string(), text: z.string() })).nullable(),
  secrets: z.array(z.object({ name: z.string(), is_stored: z.boolean() })),
  diff: z.array(FileDiff).nullable(),
  plan: Plan.nullable(),
  losses: z
    .object({
      decisions: z.array(LostDecision).default([]),
      data_risks: z.array(DataRisk),
      secrets_missing: z.array(z.string()).default([]),
      versions_undone: z.array(z.object({ version: z.int(), changes_summary: z.string().nullable() })),
    })
    .optional(),
});
export type Preview = z.infer<typeof Preview>;

export const VersionDiff = z.object({
  from: Version.nullable(),
  to: Version,
  changes: z.array(DecisionChange),
  diff: z.array(FileDiff).nullable(),
  plan: Plan.nullable(),
});

export const Sessions = z.object({ sessions: z.array(z.object({ id: z.string(), is_current: z.boolean() })) });
export const WhoAmI = z.object({
  user_uuid: z.string(),
  login: z.string(),
  device_id: z.string(),
  scope: z.string(),
  workspace: z.object({ id: z.string(), role: z.string() }),
  is_operator: z.boolean(),
  is_bound: z.boolean(),
  expires_at: z.string(),
});
export const WaitingSignIn = z.object({
  device_id: z.string(),
  hostname: z.string(),
  tailnet: z.string(),
  state: z.string(),
});
export const OwnDevices = z.object({ waiting: z.array(WaitingSignIn.extend({ requested_at: z.string() })) });

const SecretFacts = z.object({
  name: z.string(),
  version: z.int(),
  size_bytes: z.int(),
  updated_at: z.string(),
  last_accessed: z.string().nullable(),
  is_stale: z.boolean(),
});
export const SecretList = z.object({ secrets: z.array(SecretFacts) });
export const StoredSecret = z.object({ name: z.string(), version: z.int(), message: z.string() });
export const SecretValue = z.object({ name: z.string(), value: z.string(), version: z.int(), encoding: z.string() });
export const DeletedSecret = z.object({ name: z.string(), restorable_until: z.string().nullable() });
const NeededSecret = z.object({ name: z.string(), is_required: z.boolean(), can_generate: z.boolean() });
export const NeededSecrets = z.object({
  missing: z.array(NeededSecret),
  stale: z.array(NeededSecret),
  present: z.array(NeededSecret),
});

export const Purge = z.object({
  config_id: z.string(),
  state: z.string(),
  objects_removed: z.int(),
  backups_expire_at: z.string(),
});
