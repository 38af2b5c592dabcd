import type { Finding } from "#core/finding.ts";
import { error, isDecidedLater, placeOf, type Check, type WrittenKey } from "#quadlet/checks/check.ts";
import { isAtLeast } from "#quadlet/podman-version.ts";
import { networkName } from "#quadlet/references.ts";

const CODE = "value_format";
const BYTES = /^\d+(?:\.\d+)?\s?[bkmgtp]?(?:i?b)?$/i;
const IP4 = /^(?:\d{1,3}\.){3}\d{1,3}$/;

type Rule = { readonly pattern: RegExp; readonly what: string };
const rule = (pattern: RegExp, what: string): Rule => ({ pattern, what });
const integer = rule(/^-?\d+$/, "a whole number");
const bytes = rule(BYTES, "a size such as 256m");

/** Values that `podman` parses itself and refuses, by key. */
const rules = (record: Readonly<Record<string, Rule>>) => new Map(Object.entries(record));
const RULES: ReadonlyMap<string, ReadonlyMap<string, Rule>> = new Map([
  [
    "Container",
    rules({
      Pull: rule(
        /^(?:always|missing|never|newer|true|false|ifnotpresent|ifmissing|ifnewer)$/i,
        "always, missing, never or newer",
      ),
      StopTimeout: integer,
      PidsLimit: integer,
      ShmSize: bytes,
      Memory: bytes,
      Retry: rule(/^\d+$/, "a whole number"),
      IP: rule(IP4, "an IPv4 address"),
      IP6: rule(/^[0-9a-f:.]*:[0-9a-f:.]*$/i, "an IPv6 address"),
    }),
  ],
  [
    "Pod",
    rules({
      ShmSize: bytes,
      ExitPolicy: rule(/^(?:stop|continue)$/, "stop or continue"),
      StopTimeout: integer,
    }),
  ],
  [
    "Image",
    rules({
      Retry: rule(/^\d+$/, "a whole number"),
    }),
  ],
  [
    "Build",
    rules({
      Retry: rule(/^\d+$/, "a whole number"),
    }),
  ],
]);

const SLIRP_UNTIL = "6.0.0";

function slirpFindings({ values }: WrittenKey): Finding[] {
  return values
    .all()
    .filter(({ value }) => networkName(value) === "slirp4netns")
    .map((assignment) => {
      const message = `Podman ${SLIRP_UNTIL} has no slirp4netns any more: it will not start.`;
      return error(CODE, placeOf(assignment), { message, action: "Write Network=pasta." });
    });
}

function check({ section, key, values, last }: WrittenKey): Finding[] {
  const wanted = RULES.get(section)?.get(key);
  const value = values.string();
  if (wanted === undefined || value === "" || isDecidedLater(value) || wanted.pattern.test(value)) return [];
  const message = `${key}=${value} is not ${wanted.what}: Podman will not start it.`;
  return [error(CODE, placeOf(last), { message, action: `Write ${wanted.what}.` })];
}

/** What the generator hands on as it is and `podman` then refuses. */
export const valueFormat: Check = {
  code: CODE,
  ofKey: {
    reads: ({ section, key, info }) => (key === "Network" && info !== null) || RULES.get(section)?.has(key) === true,
    run: (written, { podman }) => {
      if (written.key !== "Network") return check(written);
      return isAtLeast(podman, SLIRP_UNTIL) ? slirpFindings(written) : [];
    },
  },
};
