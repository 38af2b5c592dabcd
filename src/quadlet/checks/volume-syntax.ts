import type { Finding } from "#core/finding.ts";
import { error, isDecidedLater, placeOf, type Check } from "#quadlet/checks/check.ts";
import type { Assignment } from "#quadlet/parse-unit.ts";

const CODE = "volume_syntax";

function check(assignment: Assignment): Finding[] {
  const { value } = assignment;
  const parts = value.split(":");
  const refuse = (message: string, action: string) => [error(CODE, placeOf(assignment), { message, action })];
  if (value.includes('"')) {
    return refuse("Podman keeps the quotes of Volume= as part of the path.", "Write the value without quotes.");
  }
  if (parts.length > 3) return refuse("Volume= has more than source, path and options.", "Write source:/path:options.");
  const path = parts.length === 1 ? parts[0] : parts[1];
  if (path === undefined || path.startsWith("/") || isDecidedLater(path)) return [];
  if (parts.length === 1)
    return refuse(`Volume=${value} says no path inside the container.`, `Write Volume=${value}:/path.`);
  return refuse(
    `The path inside the container, ${path || "(empty)"}, must be absolute: Podman will not start it.`,
    "Begin it with a slash.",
  );
}

/** `Volume=[source:]path[:options]` with an absolute path: the generator takes anything, `podman run` does not. */
export const volumeSyntax: Check = {
  code: CODE,
  ofKey: {
    reads: ({ section, key }) => key === "Volume" && (section === "Container" || section === "Pod"),
    run: ({ values }) => values.all().flatMap(check),
  },
};
