import type { Finding } from "#core/finding.ts";
import { error, placeOf, type Check } from "#quadlet/checks/check.ts";
import { readMounts } from "#quadlet/read-mounts.ts";

const CODE = "mount_path";
const plain = (path: string) => path.replace(/\/+$/, "") || "/";

/** Two mounts at one path of one container: Podman refuses to start it. */
export const mountPath: Check = {
  code: CODE,
  run: ({ bundle }) =>
    bundle.units.flatMap((unit): Finding[] => {
      if (unit.type !== "container") return [];
      const taken = new Map<string, number>();
      return readMounts(unit, bundle).flatMap(({ destination, assignment, offset }): Finding[] => {
        if (!destination.startsWith("/")) return [];
        const line = taken.get(plain(destination));
        if (line === undefined) {
          taken.set(plain(destination), assignment.line);
          return [];
        }
        const message = `${destination} is already a mount, by line ${line}: Podman will not start the container.`;
        return [
          error(CODE, placeOf(assignment, offset), {
            message,
            action: "Remove one of the two, or mount it elsewhere.",
          }),
        ];
      });
    }),
};
