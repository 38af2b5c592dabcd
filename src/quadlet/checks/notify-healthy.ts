import { isAtLeast } from "#quadlet/podman-version.ts";
import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";

const CODE = "notify_healthy";
const HEALTHY_SINCE = "5.0.0";

/** Notify=healthy waits for the health check, so there must be one, and a Podman that knows the word. */
export const notifyHealthy: Check = {
  code: CODE,
  ofKey: {
    reads: ({ key, info }) => key === "Notify" && info !== null,
    run: ({ view, section, values, last }, { podman }) => {
      if (values.string().toLowerCase() !== "healthy") return [];
      if (!isAtLeast(podman, HEALTHY_SINCE)) {
        const message = `Podman ${podman} takes healthy for false; ${HEALTHY_SINCE} knows it.`;
        return [warning(CODE, placeOf(last), { message, action: `Raise the target to ${HEALTHY_SINCE}.` })];
      }
      if (view.string(section, "HealthCmd")) return [];
      const message =
        "Notify=healthy without HealthCmd=: unless the image brings a health check, the container does not start.";
      return [warning(CODE, placeOf(last), { message, action: "Add HealthCmd=." })];
    },
  },
};
