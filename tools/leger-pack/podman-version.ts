import { PodmanVersion } from "#core/names.ts";
import { usageError } from "./usage-error.ts";

/** Reads `--podman`. */
export function podmanVersion(given: string): string {
  if (PodmanVersion.safeParse(given).success) return given;
  throw usageError(`--podman takes a version like 5.4 or 5.8.2, not ${given}`);
}
