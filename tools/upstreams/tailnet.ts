import { z } from "zod";

const Instant = z.string();

/**
 * A device as Tailscale's API describes it (its OpenAPI description, read in 2026). `lastSeen` is left out while the
 * device is connected; `clientVersion`, `created` and `tags` are empty for external devices; a key that never expires
 * comes with `keyExpiryDisabled` and the zero time in `expires`.
 */
export const Device = z.strictObject({
  addresses: z.array(z.string()),
  id: z.string(),
  nodeId: z.string(),
  user: z.string(),
  name: z.string(),
  hostname: z.string(),
  clientVersion: z.string(),
  updateAvailable: z.boolean(),
  os: z.string(),
  created: Instant,
  connectedToControl: z.boolean(),
  lastSeen: Instant.optional(),
  keyExpiryDisabled: z.boolean(),
  expires: Instant,
  authorized: z.boolean(),
  isExternal: z.boolean(),
  isEphemeral: z.boolean(),
  machineKey: z.string(),
  nodeKey: z.string(),
  blocksIncomingConnections: z.boolean(),
  tags: z.array(z.string()).optional(),
  tailnetLockKey: z.string(),
  tailnetLockError: z.string(),
  /** The rest comes with `?fields=all` only. */
  enabledRoutes: z.array(z.string()).default([]),
  advertisedRoutes: z.array(z.string()).default([]),
});
export type Device = z.infer<typeof Device>;

export const User = z.strictObject({
  id: z.string(),
  displayName: z.string(),
  loginName: z.string(),
  profilePicUrl: z.string(),
  tailnetId: z.string(),
  created: Instant,
  type: z.enum(["member", "shared"]),
  role: z.enum(["owner", "member", "admin", "it-admin", "network-admin", "billing-admin", "auditor"]),
  status: z.enum(["active", "idle", "suspended", "needs-approval", "over-billing-limit"]),
  deviceCount: z.int().nonnegative(),
  lastSeen: Instant,
  currentlyConnected: z.boolean(),
});
export type User = z.infer<typeof User>;

export const OauthClient = z.strictObject({
  clientId: z.string(),
  clientSecret: z.string(),
  scopes: z.array(z.string()),
});
export type OauthClient = z.infer<typeof OauthClient>;

/** One tailnet with the credentials that open it. An API key may do everything, an OAuth client what its scopes say. */
export const Tailnet = z.strictObject({
  id: z.string(),
  name: z.string(),
  apiKeys: z.array(z.string()),
  oauthClients: z.array(OauthClient),
  users: z.array(User),
  devices: z.array(Device),
});
export type Tailnet = z.infer<typeof Tailnet>;
