import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";

const CODE = "service_user";

/** Podman must run as the user whose systemd it is; newer generators warn about these themselves. */
export const serviceUser: Check = {
  code: CODE,
  run: ({ bundle }) =>
    bundle.units.flatMap(({ view, section }) =>
      ["User", "Group", "DynamicUser"].flatMap((key) => {
        const assignment = view.last("Service", key);
        if (assignment === null || assignment.value === "") return [];
        const message = `[Service] ${key}= is not supported: it changes who runs Podman, not who runs in the container.`;
        return [
          warning(CODE, placeOf(assignment), {
            message,
            action: `Move it to [${section}], or install the unit for that user.`,
          }),
        ];
      }),
    ),
};
