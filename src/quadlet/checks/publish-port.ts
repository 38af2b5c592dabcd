import type { Finding } from "#core/finding.ts";
import { error, isDecidedLater, placeOf, type Check } from "#quadlet/checks/check.ts";
import { portRange, readPorts, type PublishedPort, type ReadPort } from "#quadlet/read-ports.ts";

const CODE = "publish_port";
const IP4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;

function problemOf(port: PublishedPort | null): string | null {
  if (port === null) return "has none of the forms 80, 8080:80, 127.0.0.1:8080:80";
  if (!["tcp", "udp", "sctp"].includes(port.protocol))
    return `has the protocol ${port.protocol}, which is none of tcp, udp, sctp`;
  const inside = portRange(port.container_port);
  if (inside === null) return `has ${port.container_port} where a port from 1 to 65535 belongs`;
  const outside = port.host_port === null ? null : portRange(port.host_port);
  if (port.host_port !== null && outside === null) return `has ${port.host_port} where a port from 1 to 65535 belongs`;
  if (outside !== null && outside.to - outside.from !== inside.to - inside.from) {
    return "has ranges of different length";
  }
  if (port.host_ip !== null && !port.host_ip.includes(":") && !IP4.test(port.host_ip)) {
    return `has ${port.host_ip} where an address of the host belongs`;
  }
  return null;
}

function check({ assignment, port }: ReadPort): Finding[] {
  if (isDecidedLater(assignment.value)) return [];
  const problem = problemOf(port);
  if (problem === null) return [];
  const message = `PublishPort=${assignment.value} ${problem}: Podman will not start it.`;
  const action = "Write [[address:]hostPort:]containerPort[/protocol].";
  return [error(CODE, placeOf(assignment), { message, action })];
}

/** The generator passes ports on as they are; `podman run` refuses what it cannot read. */
export const publishPort: Check = {
  code: CODE,
  ofKey: {
    reads: ({ key, info }) => key === "PublishPort" && info !== null,
    run: ({ unit }) => readPorts(unit).flatMap(check),
  },
};
