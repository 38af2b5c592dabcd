import { error, placeOf, type Check } from "#quadlet/checks/check.ts";

const CODE = "service_type";
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  Type: ["notify", "oneshot"],
  KillMode: ["mixed", "control-group"],
};

/** A container's service must notify (or be a oneshot) and be killed as a group: Podman refuses everything else. */
export const serviceType: Check = {
  code: CODE,
  run: ({ bundle }) =>
    bundle.units.flatMap(({ type, view }) => {
      if (type !== "container" && type !== "kube") return [];
      return Object.entries(ALLOWED).flatMap(([key, values]) => {
        const assignment = view.last("Service", key);
        const value = view.string("Service", key) ?? "";
        if (assignment === null || values.includes(value)) return [];
        const message = `[Service] ${key}= of a .${type} may be ${values.join(" or ")}, not ${value || "empty"}.`;
        return [
          error(CODE, placeOf(assignment), {
            message,
            action: `Remove ${key}=; Podman sets ${values[0] ?? ""} itself.`,
          }),
        ];
      });
    }),
};
