import type { Finding } from "#core/finding.ts";
import { error, placeOf, type Check } from "#quadlet/checks/check.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";
import type { Assignment } from "#quadlet/parse-unit.ts";
import { portRange, readPorts } from "#quadlet/read-ports.ts";
import { namePartsOf } from "#quadlet/unit-names.ts";

const CODE = "port_conflict";

type Claim = { unit: LoadedUnit; assignment: Assignment; ip: string; protocol: string; from: number; to: number };

/** Units that cannot run at once may claim the same port. */
const excludes = (a: LoadedUnit, b: LoadedUnit) =>
  a.view.words("Unit", "Conflicts", "words").some((word) => word.text === b.serviceFile);

const isEverywhere = (ip: string) => ip === "" || ip === "0.0.0.0" || ip === "::";

/** 0.0.0.0 and [::] are families apart, but no address at all means both. */
function overlaps(a: Claim, b: Claim): boolean {
  if (a.protocol !== b.protocol || a.from > b.to || b.from > a.to) return false;
  if (a.ip === "" || b.ip === "") return true;
  if (a.ip.includes(":") !== b.ip.includes(":")) return false;
  return a.ip === b.ip || isEverywhere(a.ip) || isEverywhere(b.ip);
}

function claimsOf(unit: LoadedUnit): Claim[] {
  const { view, section, basename } = unit;
  const ports = readPorts(unit);
  if (ports.length === 0 || (view.string(section, "Pod") ?? "") !== "") return [];
  const parts = namePartsOf(basename);
  if (parts.isTemplated && parts.instance === "") return [];
  const claims: Claim[] = [];
  for (const { assignment, port } of ports) {
    const range = port?.host_port ? portRange(port.host_port) : null;
    if (port !== null && range !== null)
      claims.push({ unit, assignment, ip: port.host_ip ?? "", protocol: port.protocol, ...range });
  }
  return claims;
}

/** The first claim that overlaps with an earlier one, for each claim; compares neighbours in the order of ports only. */
function conflictsOf(claims: readonly Claim[]): Map<Claim, Claim> {
  const found = new Map<Claim, Claim>();
  const inOrder = claims.map((claim, index) => ({ claim, index })).toSorted((a, b) => a.claim.from - b.claim.from);
  let open: typeof inOrder = [];
  for (const one of inOrder) {
    open = open.filter(({ claim }) => claim.to >= one.claim.from);
    for (const other of open) {
      const [first, second] = other.index < one.index ? [other.claim, one.claim] : [one.claim, other.claim];
      if (!overlaps(first, second) || excludes(first.unit, second.unit) || excludes(second.unit, first.unit)) continue;
      if (!found.has(second)) found.set(second, first);
    }
    open.push(one);
  }
  return found;
}

/** Two services that claim one port of the host: whichever starts second fails. */
export const portConflict: Check = {
  code: CODE,
  ofBundle: ({ bundle }) =>
    [...conflictsOf(bundle.units.flatMap(claimsOf))].map(([claim, earlier]): Finding => {
      const { file, line } = earlier.assignment;
      const ports = claim.from === claim.to ? `Port ${claim.from}` : `A port of ${claim.from}-${claim.to}`;
      const message = `${ports}/${claim.protocol} of the host is already taken by ${file}, line ${line}: one of the two will not start.`;
      return error(CODE, placeOf(claim.assignment), { message, action: "Publish it on another port or address." });
    }),
};
