import { z } from "zod";

/** Name of a deployment: also a directory, part of unit and container names, and a host label. */
export const DeploymentName = z
  .string()
  .regex(
    /^[a-z](?:[a-z0-9-]{0,46}[a-z0-9])?$/,
    "Lower-case letters, digits and hyphens, 1 to 48, a letter first, no hyphen last.",
  )
  .meta({ id: "DeploymentName", example: "openwebui" });

/** A path inside a workspace, `/` or `/prod/site-a`. */
export const Namespace = z
  .string()
  .max(200)
  .regex(
    /^\/(?:[a-z0-9][a-z0-9-]{0,39}(?:\/[a-z0-9][a-z0-9-]{0,39}){0,7})?$/,
    "A path like / or /prod/site-a, at most 8 parts.",
  )
  .meta({ id: "Namespace", example: "/" });

/** A schema version is the release's tag: `v` and a semantic version. */
export const SchemaVersion = z
  .string()
  .max(60)
  .regex(/^v\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/, "A release tag like v1.2.0.")
  .meta({ id: "SchemaVersion", example: "v1.0.0" });

export const PackSlug = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/)
  .meta({ id: "PackSlug", example: "leger" });

/** Podman's version as MAJOR.MINOR. */
export const PodmanTarget = z
  .string()
  .regex(/^[4-9]\.\d{1,2}$/, "A Podman version like 5.4.")
  .meta({ id: "PodmanTarget", example: "5.4" });
/** A Podman as it is installed somewhere; `5.8` stands for the oldest release of that name. */
export const PodmanVersion = z
  .string()
  .regex(/^[4-9]\.\d{1,2}(?:\.\d{1,2})?$/, "A Podman version like 5.8 or 5.8.2.")
  .meta({ id: "PodmanVersion", example: "5.8" });
export const PODMAN_TARGET_DEFAULT = "5.4";

/** True where MAJOR.MINOR `version` lies in [min, max]; a null max is open. */
export function isPodmanWithin(version: string, range: { min: string; max: string | null }): boolean {
  const order = (text: string) => {
    const [major = 0, minor = 0] = text.split(".").map(Number);
    return major * 1000 + minor;
  };
  return order(version) >= order(range.min) && (range.max === null || order(version) <= order(range.max));
}

export const VersionNumber = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER);
