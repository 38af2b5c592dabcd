import type { Finding } from "#core/finding.ts";
import { error, isDecidedLater, placeOf, type Check } from "#quadlet/checks/check.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";

const CODE = "network_address";

/** An IPv4 address as a number; null for anything else. */
function ip4(text: string): number | null {
  const parts = text.split(".");
  if (parts.length !== 4 || parts.some((part) => !/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255)) return null;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** Null for what is certainly no subnet; IPv6 is taken as it is. */
function subnet(text: string): { from: number; size: number } | "ip6" | null {
  const match = /^([0-9.]+)\/(\d{1,2})$/.exec(text);
  if (match === null) return /^[0-9a-f:.]*:[0-9a-f:.]*\/\d{1,3}$/i.test(text) ? "ip6" : null;
  const address = ip4(match[1] ?? "");
  const bits = Number(match[2]);
  if (address === null || bits > 32) return null;
  const size = 2 ** (32 - bits);
  return { from: Math.floor(address / size) * size, size };
}

function check({ view, section }: LoadedUnit): Finding[] {
  const subnets = view.all(section, "Subnet");
  const gateways = view.all(section, "Gateway");
  const found: Finding[] = [];
  for (const [key, list] of [
    ["Gateway", gateways],
    ["IPRange", view.all(section, "IPRange")],
  ] as const) {
    const extra = list[subnets.length];
    if (extra === undefined) continue;
    const message = `There are more ${key}= than Subnet=: each belongs to one. Podman refuses the unit.`;
    found.push(error(CODE, placeOf(extra), { message, action: "Add the Subnet= that it belongs to." }));
  }
  subnets.forEach((assignment, index) => {
    if (isDecidedLater(assignment.value)) return;
    const range = subnet(assignment.value);
    if (range === null) {
      const message = `Subnet=${assignment.value} is no network such as 10.89.1.0/24: Podman will not make it.`;
      found.push(error(CODE, placeOf(assignment), { message, action: "Write address/bits." }));
      return;
    }
    const gateway = gateways[index];
    const address = gateway === undefined || isDecidedLater(gateway.value) ? null : ip4(gateway.value);
    if (gateway === undefined || address === null || range === "ip6") return;
    if (address >= range.from && address < range.from + range.size) return;
    const message = `Gateway=${gateway.value} lies outside ${assignment.value}: Podman will not make the network.`;
    found.push(error(CODE, placeOf(gateway), { message, action: "Take an address inside the subnet." }));
  });
  return found;
}

export const networkAddress: Check = { code: CODE, ofUnit: { types: ["network"], run: check } };
