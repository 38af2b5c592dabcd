import type { Finding } from "#core/finding.ts";
import { error, isDecidedLater, placeOf, type Check, type CheckContext } from "#quadlet/checks/check.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";
import { isAtLeast } from "#quadlet/podman-version.ts";

const CODE = "value_format";
const BYTES = /^\d+(?:\.\d+)?\s?[bkmgtp]?(?:i?b)?$/i;
const IP4 = /^(?:\d{1,3}\.){3}\d{1,3}$/;

type Rule = { readonly pattern: RegExp; readonly what: string };
const rule = (pattern: RegExp, what: string): Rule => ({ pattern, what });
const integer = rule(/^-?\d+$/, "a whole number");
const bytes = rule(BYTES, "a size such as 256m");

/** Values that `podman` parses itself and refuses, by key. */
const RULES: Readonly<Record<string, Rule>> = {
  "Container.Pull": rule(
    /^(?:always|missing|never|newer|true|false|ifnotpresent|ifmissing|ifnewer)$/i,
    "always, missing, never or newer",
  ),
  "Container.StopTimeout": integer,
  "Container.PidsLimit": integer,
  "Container.ShmSize": bytes,
  "Container.Memory": bytes,
  "Container.Retry": rule(/^\d+$/, "a whole number"),
  "Container.IP": rule(IP4, "an IPv4 address"),
  "Container.IP6": rule(/^[0-9a-f:.]*:[0-9a-f:.]*$/i, "an IPv6 address"),
  "Pod.ShmSize": bytes,
  "Pod.ExitPolicy": rule(/^(?:stop|continue)$/, "stop or continue"),
  "Pod.StopTimeout": integer,
  "Image.Retry": rule(/^\d+$/, "a whole number"),
  "Build.Retry": rule(/^\d+$/, "a whole number"),
};

const SLIRP_UNTIL = "6.0.0";

function slirpFindings({ view, section }: LoadedUnit, podman: string): Finding[] {
  if (!isAtLeast(podman, SLIRP_UNTIL)) return [];
  return view
    .all(section, "Network")
    .filter(({ value }) => value.split(":")[0] === "slirp4netns")
    .map((assignment) => {
      const message = `Podman ${SLIRP_UNTIL} has no slirp4netns any more: it will not start.`;
      return error(CODE, placeOf(assignment), { message, action: "Write Network=pasta." });
    });
}

function check(unit: LoadedUnit, { podman }: CheckContext): Finding[] {
  const { view, section } = unit;
  const found = view.keys(section).flatMap((key): Finding[] => {
    const wanted = RULES[`${section}.${key}`];
    const assignment = view.last(section, key);
    const value = view.string(section, key) ?? "";
    if (wanted === undefined || assignment === null || value === "" || isDecidedLater(value)) return [];
    if (wanted.pattern.test(value)) return [];
    const message = `${key}=${value} is not ${wanted.what}: Podman will not start it.`;
    return [error(CODE, placeOf(assignment), { message, action: `Write ${wanted.what}.` })];
  });
  return [...found, ...slirpFindings(unit, podman)];
}

/** What the generator hands on as it is and `podman` then refuses. */
export const valueFormat: Check = {
  code: CODE,
  run: (context) => context.bundle.units.flatMap((unit) => check(unit, context)),
};
