import type { Finding } from "#core/finding.ts";
import { error, placeOf, type Check } from "#quadlet/checks/check.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";
import { readMounts } from "#quadlet/read-mounts.ts";

const CODE = "mount_path";

function plain(path: string): string {
  let end = path.length;
  while (end > 1 && path.endsWith("/", end)) end -= 1;
  return path.slice(0, end);
}

function check(unit: LoadedUnit): Finding[] {
  const mounts = readMounts(unit);
  if (mounts.length < 2) return [];
  const found: Finding[] = [];
  const taken = new Map<string, number>();
  for (const { destination, assignment, offset } of mounts) {
    if (!destination.startsWith("/")) continue;
    const path = plain(destination);
    const line = taken.get(path);
    if (line === undefined) {
      taken.set(path, assignment.line);
      continue;
    }
    const message = `${destination} is already a mount, by line ${line}: Podman will not start the container.`;
    const action = "Remove one of the two, or mount it elsewhere.";
    found.push(error(CODE, placeOf(assignment, offset), { message, action }));
  }
  return found;
}

/** Two mounts at one path of one container: Podman refuses to start it. */
export const mountPath: Check = {
  code: CODE,
  ofUnit: { types: ["container"], run: check },
};
