import { error, placeOf, type Check } from "#quadlet/checks/check.ts";

const CODE = "service_type";
const ALLOWED: ReadonlyMap<string, readonly string[]> = new Map([
  ["Type", ["notify", "oneshot"]],
  ["KillMode", ["mixed", "control-group"]],
]);

/** A container's service must notify (or be a oneshot) and be killed as a group: Podman refuses everything else. */
export const serviceType: Check = {
  code: CODE,
  ofKey: {
    reads: ({ section, key }) => section === "Service" && ALLOWED.has(key),
    run: ({ unit: { type }, key, values, last }) => {
      const allowed = ALLOWED.get(key) ?? [];
      const value = values.string();
      if ((type !== "container" && type !== "kube") || allowed.includes(value)) return [];
      const message = `[Service] ${key}= of a .${type} may be ${allowed.join(" or ")}, not ${value || "empty"}.`;
      const action = `Remove ${key}=; Podman sets ${allowed[0] ?? ""} itself.`;
      return [error(CODE, placeOf(last), { message, action })];
    },
  },
};
