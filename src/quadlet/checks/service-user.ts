import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";

const CODE = "service_user";

const KEYS = new Set(["User", "Group", "DynamicUser"]);

/** Podman must run as the user whose systemd it is; newer generators warn about these themselves. */
export const serviceUser: Check = {
  code: CODE,
  ofKey: {
    reads: ({ section, key }) => section === "Service" && KEYS.has(key),
    run: ({ unit, key, last }) => {
      if (last.value === "") return [];
      const message = `[Service] ${key}= is not supported: it changes who runs Podman, not who runs in the container.`;
      const action = `Move it to [${unit.section}], or install the unit for that user.`;
      return [warning(CODE, placeOf(last), { message, action })];
    },
  },
};
