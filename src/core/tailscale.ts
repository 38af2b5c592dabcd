import { z } from "zod";
import { type Result, err, ok } from "#core/result.ts";

/** What a client claims about itself (document 000 and the Go client). Visible to every peer: it proves nothing alone. */
export const TailscaleClaims = z
  .object({
    user_id: z.string().min(1).max(100),
    login_name: z.string().min(1).max(200),
    device_id: z.string().min(1).max(100),
    device_hostname: z.string().min(1).max(253),
    tailnet: z.string().min(1).max(253),
  })
  .meta({ id: "TailscaleClaims" });
export type TailscaleClaims = z.infer<typeof TailscaleClaims>;

export const TailscaleDevice = z.object({
  id: z.string(),
  nodeId: z.string().optional(),
  nodeKey: z.string().optional(),
  user: z.string().optional(),
  hostname: z.string().optional(),
  name: z.string().optional(),
  authorized: z.boolean().optional(),
  expires: z.string().optional(),
  keyExpiryDisabled: z.boolean().optional(),
  isExternal: z.boolean().optional(),
  tags: z.array(z.string()).optional(),
});
export type TailscaleDevice = z.infer<typeof TailscaleDevice>;

export const TailscaleUser = z.object({
  id: z.string(),
  loginName: z.string(),
  displayName: z.string().optional(),
  status: z.string().optional(),
  type: z.string().optional(),
});
export type TailscaleUser = z.infer<typeof TailscaleUser>;

/** What both APIs confirm. That the caller is that device is another question. */
export type VerifiedDevice = {
  userId: string;
  login: string;
  displayName: string | null;
  /** Tailscale's preferred id, whichever of its two the client named. */
  deviceId: string;
  hostname: string;
  nodeKey: string | null;
  /** Nobody else is in the tailnet, so whoever sees the device's ids is its owner. */
  isOnlyPerson: boolean;
  /** How many devices of the tailnet are this user's. */
  devicesOwned: number;
  /** When the device's key in the tailnet ends; null where it never does. */
  expiresAt: Date | null;
};

/** Each is a row of the error catalogue with an action of its own. */
export type ClaimRefusal =
  | "tailscale_verification_failed"
  | "tailscale_device_external"
  | "tailscale_device_tagged"
  | "tailscale_device_unauthorized"
  | "tailscale_key_expired"
  | "tailscale_owner_mismatch"
  | "tailscale_user_suspended"
  | "account_not_linked";

/** A tailnet as its two APIs list it. */
export type TailnetLists = { devices: readonly TailscaleDevice[]; users: readonly TailscaleUser[] };

/**
 * Holds claims against what Tailscale's two APIs say. The devices API names an owner's login and no user id: the claimed
 * `user_id` counts only if the users API maps it to that very login, or one's own device with another's id would open
 * another's account.
 */
export function verifyClaims(
  claims: TailscaleClaims,
  { devices, users }: TailnetLists,
  now: Date,
): Result<VerifiedDevice, ClaimRefusal> {
  const device = devices.find(({ id, nodeId }) => id === claims.device_id || nodeId === claims.device_id);
  if (!device) return err("tailscale_verification_failed");
  const unusable = whyUnusable(device, now);
  if (unusable) return err(unusable);

  const user = users.find(({ id }) => id === claims.user_id);
  if (!user) return err("account_not_linked");
  const isOwner = device.user !== undefined && user.loginName === device.user && claims.login_name === user.loginName;
  if (!isOwner) return err("tailscale_owner_mismatch");
  if (!isActive(user)) return err("tailscale_user_suspended");

  const people = users.filter(({ type }) => type === undefined || type === "member");
  return ok({
    userId: user.id,
    login: user.loginName,
    displayName: user.displayName ?? null,
    deviceId: device.nodeId ?? device.id,
    hostname: device.hostname ?? claims.device_hostname,
    nodeKey: device.nodeKey ?? null,
    isOnlyPerson: people.length === 1,
    devicesOwned: devices.filter(({ user: owner }) => owner === user.loginName).length,
    expiresAt: expiryOf(device),
  });
}

/** Why a device that is listed may not be used by anybody, as it is now. */
function whyUnusable(device: TailscaleDevice, now: Date): ClaimRefusal | null {
  if (device.isExternal === true) return "tailscale_device_external";
  if (device.tags && device.tags.length > 0) return "tailscale_device_tagged";
  if (device.authorized === false) return "tailscale_device_unauthorized";
  const expiresAt = expiryOf(device);
  return expiresAt && expiresAt <= now ? "tailscale_key_expired" : null;
}

/** Tailscale's words for a user who may use the tailnet. */
const ACTIVE = new Set(["active", "idle"]);
const isActive = ({ status }: TailscaleUser) => status === undefined || ACTIVE.has(status);

/** Devices without expiry carry year 1 in `expires`. */
function expiryOf({ keyExpiryDisabled, expires }: TailscaleDevice): Date | null {
  const time = Date.parse(expires ?? "");
  if (keyExpiryDisabled === true || !Number.isFinite(time) || new Date(time).getUTCFullYear() <= 1) return null;
  return new Date(time);
}

/** Why the hourly check ends a device's tokens. */
export type RevocationReason =
  | "gone"
  | "external"
  | "tagged"
  | "unauthorized"
  | "expired"
  | "owner_changed"
  | "suspended";

/** What the lists say against a device that signed in earlier, as `login`; null where nothing does. */
export function whyRevoke(
  { deviceId, login }: { deviceId: string; login: string },
  { devices, users }: TailnetLists,
  now: Date,
): RevocationReason | null {
  const device = devices.find(({ id, nodeId }) => id === deviceId || nodeId === deviceId);
  if (!device) return "gone";
  switch (whyUnusable(device, now)) {
    case "tailscale_device_external":
      return "external";
    case "tailscale_device_tagged":
      return "tagged";
    case "tailscale_device_unauthorized":
      return "unauthorized";
    case "tailscale_key_expired":
      return "expired";
    default:
  }
  if (device.user !== login) return "owner_changed";
  const user = users.find(({ loginName }) => loginName === login);
  return user && isActive(user) ? null : "suspended";
}
