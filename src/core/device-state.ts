import { z } from "zod";
import type { Finding } from "#core/finding.ts";
import { isPodmanWithin } from "#core/names.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";

/**
 * What a device can prove about a version, in the order in which an install goes through it (DESIGN 12). `assigned` is the
 * server's own knowledge: it handed that version out, and heard nothing back. Drifted is a flag beside these, and offline
 * is derived: neither says that an install failed.
 */
export const REPORTED_STATES = ["fetched", "written", "generated", "started", "healthy", "failed", "removed"] as const;
export const ReportedState = z.enum(REPORTED_STATES);
export type ReportedState = z.infer<typeof ReportedState>;
export type DeviceState = "assigned" | ReportedState;

/** Document 000's four states. A deletion that was carried out is `active`: the device is where it should be. */
export type DeploymentStatus = "pending" | "installing" | "active" | "failed";
export function statusOf(state: DeviceState): DeploymentStatus {
  switch (state) {
    case "assigned":
    case "fetched":
      return "pending";
    case "written":
    case "generated":
    case "started":
      return "installing";
    case "healthy":
    case "removed":
      return "active";
    case "failed":
      return "failed";
  }
}

/** Three polls at rest: a device that asked for nothing so long is called offline, which is no failure. */
const OFFLINE_SECONDS = 900;
export const isOffline = (lastChecked: string, now: Date) =>
  lastChecked < toInstant(secondsAfter(now, -OFFLINE_SECONDS));

/** A device whose Podman is older than what a version was rendered for, with the target that would fit it. */
export function podmanFinding(of: {
  hostname: string;
  podmanVersion: string | null;
  podmanTarget: string;
  deploymentName: string;
  version: number;
}): Finding | null {
  if (of.podmanVersion === null) return null;
  const own = /^\d+\.\d+/.exec(of.podmanVersion)?.[0];
  if (own === undefined || isPodmanWithin(own, { min: of.podmanTarget, max: null })) return null;
  return {
    code: "podman_older_than_target",
    severity: "warning",
    message: `${of.hostname} runs Podman ${of.podmanVersion}, and version ${of.version} of ${of.deploymentName} was rendered for ${of.podmanTarget}.`,
    action: `Update Podman there, or save ${of.deploymentName} with podman_target ${own}: that makes a new version.`,
  };
}
