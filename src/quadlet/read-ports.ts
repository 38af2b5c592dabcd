import type { LoadedUnit } from "#quadlet/load-units.ts";
import type { Assignment } from "#quadlet/parse-unit.ts";

/**
 * One `PublishPort=` value. Ports are text as written (`8000-8010` is a range); a missing host port means that Podman
 * picks one at random, a missing address means every address of the host.
 */
export type PublishedPort = {
  text: string;
  host_ip: string | null;
  host_port: string | null;
  container_port: string;
  protocol: string;
};

/** In order: an address in brackets or another one, the host's port, the container's port, the protocol. */
const PORT = /^(?:\[([^\]]*)\]:|([^:[\]]*):(?=[^:]*:))?(?:([^:]*):)?([^:/]+)(?:\/([a-z]+))?$/;

/** Null when the text has none of the forms `[[ip:][hostPort]:]containerPort[/protocol]`. Numbers are not looked at. */
export function readPort(text: string): PublishedPort | null {
  const [, bracketed, address, host, container, protocol] = PORT.exec(text) ?? [];
  if (container === undefined) return null;
  return {
    text,
    host_ip: bracketed ?? (address || null),
    host_port: host || null,
    container_port: container,
    protocol: protocol ?? "tcp",
  };
}

/** One `PublishPort=` of a unit; `port` is null where the text has none of the forms. */
export type ReadPort = { readonly assignment: Assignment; readonly port: PublishedPort | null };

/** Found once for each text. */
export function readPorts({ view, section, textMemory }: LoadedUnit): readonly ReadPort[] {
  textMemory.ports ??= view
    .all(section, "PublishPort")
    .map((assignment) => ({ assignment, port: readPort(assignment.value) }));
  return textMemory.ports;
}

/** `8000-8010` as numbers, a single port as a range of one; null outside 1 to 65535 or upside down. */
export function portRange(text: string): { from: number; to: number } | null {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return null;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from >= 1 && to <= 65_535 && from <= to ? { from, to } : null;
}
