import type { Finding } from "#core/finding.ts";
import { error, placeOf, warning, type Check, type CheckContext, type WrittenKey } from "#quadlet/checks/check.ts";
import { networkName, referencesOf } from "#quadlet/references.ts";

const CODE = "port_ignored";

const MODES_WITHOUT_PORTS = new Set(["host", "none", "container"]);

function check({ unit, view, section, values }: WrittenKey, { bundle }: CheckContext): Finding[] {
  const pod = referencesOf(unit, bundle).find((reference) => reference.key === "Pod")?.target ?? null;
  if (pod !== null) {
    // A pod that does not share its network leaves its containers their own ports.
    if (pod.view.words(pod.section, "PodmanArgs", "args").some((word) => word.text.startsWith("--share"))) return [];
    return values.all().map((assignment) =>
      error(CODE, placeOf(assignment), {
        message: `A container in a pod cannot publish ports: Podman will not start it.`,
        action: `Move PublishPort= into ${pod.basename}.`,
      }),
    );
  }
  const shared = view
    .all(section, "Network")
    .map((assignment) => networkName(assignment.value))
    .find((name) => MODES_WITHOUT_PORTS.has(name) || name.endsWith(".container"));
  if (shared === undefined) return [];
  return values.all().map((assignment) =>
    warning(CODE, placeOf(assignment), {
      message: `With Network=${shared} Podman ignores PublishPort=.`,
      action: "Remove PublishPort=, or use a network of its own.",
    }),
  );
}

/** Ports that cannot be published where they stand. */
export const portIgnored: Check = {
  code: CODE,
  ofKey: {
    reads: ({ section, key }) => key === "PublishPort" && (section === "Container" || section === "Pod"),
    run: check,
  },
};
