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

export type VerifiedDevice = {
  userId: string;
  login: string;
  displayName: string | null;
  deviceId: string;
  hostname: string;
};
export type ClaimRefusal = { code: "tailscale_verification_failed"; detail: string } | { code: "device_key_required" };

/**
 * Holds claims against what Tailscale's two APIs say. The devices API names an owner's login and no user id: the claimed
 * `user_id` counts only if the users API maps it to that very login, or one's own device with another's id would open
 * another's account. Ids alone are enough only in a tailnet of one person, or where the operator said so.
 */
export function verifyClaims(
  claims: TailscaleClaims,
  tailnet: { devices: TailscaleDevice[]; users: TailscaleUser[]; trustClaims: boolean },
  now: Date,
): Result<VerifiedDevice, ClaimRefusal> {
  const refuse = (detail: string) => err({ code: "tailscale_verification_failed" as const, detail });
  const device = tailnet.devices.find(({ id, nodeId }) => id === claims.device_id || nodeId === claims.device_id);
  if (!device) return refuse("Device not found in tailnet.");
  if (device.isExternal === true) return refuse("The device is shared into this tailnet from another one.");
  if (device.tags && device.tags.length > 0) return refuse("A tagged device belongs to nobody.");
  if (device.authorized === false) return refuse("The device is not authorized in the tailnet.");
  const hasExpired = device.keyExpiryDisabled !== true && device.expires !== undefined && isPast(device.expires, now);
  if (hasExpired) return refuse("The device's key has expired.");

  const user = tailnet.users.find(({ id }) => id === claims.user_id);
  const isOwner = user !== undefined && device.user !== undefined && user.loginName === device.user;
  if (!isOwner || claims.login_name !== user.loginName) return refuse("The device does not belong to that user.");
  if (user.status !== undefined && !ACTIVE.has(user.status)) return refuse("The user is suspended in the tailnet.");

  const people = tailnet.users.filter(({ type }) => type === undefined || type === "member");
  if (people.length !== 1 && !tailnet.trustClaims) return err({ code: "device_key_required" });
  return ok({
    userId: user.id,
    login: user.loginName,
    displayName: user.displayName ?? null,
    deviceId: claims.device_id,
    hostname: device.hostname ?? claims.device_hostname,
  });
}

/** Tailscale's words for a user who may use the tailnet. */
const ACTIVE = new Set(["active", "idle"]);

/** Devices without expiry carry year 1 in `expires`. */
function isPast(instant: string, now: Date): boolean {
  const time = Date.parse(instant);
  return Number.isFinite(time) && new Date(time).getUTCFullYear() > 1 && time <= now.getTime();
}
