import type { Finding } from "#core/finding.ts";
import { error, placeOf, warning, type Check, type CheckContext } from "#quadlet/checks/check.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";

const CODE = "port_ignored";

function check(unit: LoadedUnit, { references }: CheckContext): Finding[] {
  const { type, view, section } = unit;
  if (type !== "container" && type !== "pod") return [];
  const ports = view.all(section, "PublishPort");
  const pod = references.get(unit)?.find((reference) => reference.key === "Pod")?.target ?? null;
  if (pod !== null) {
    // A pod that does not share its network leaves its containers their own ports.
    if (pod.view.words(pod.section, "PodmanArgs", "args").some((word) => word.text.startsWith("--share"))) return [];
    return ports.map((assignment) =>
      error(CODE, placeOf(assignment), {
        message: `A container in a pod cannot publish ports: Podman will not start it.`,
        action: `Move PublishPort= into ${pod.basename}.`,
      }),
    );
  }
  const mode = view.all(section, "Network").map((assignment) => assignment.value.split(":")[0] ?? "");
  const shared = mode.find((name) => ["host", "none", "container"].includes(name) || name.endsWith(".container"));
  if (shared === undefined) return [];
  return ports.map((assignment) =>
    warning(CODE, placeOf(assignment), {
      message: `With Network=${shared} Podman ignores PublishPort=.`,
      action: "Remove PublishPort=, or use a network of its own.",
    }),
  );
}

/** Ports that cannot be published where they stand. */
export const portIgnored: Check = {
  code: CODE,
  run: (context) => context.bundle.units.flatMap((unit) => check(unit, context)),
};
