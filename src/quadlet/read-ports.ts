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

const PORT =
  /^(?:\[(?<ip6>[^\]]*)\]:|(?<ip>[^:[\]]*):(?=[^:]*:))?(?:(?<host>[^:]*):)?(?<container>[^:/]+)(?:\/(?<protocol>[a-z]+))?$/;

/** Null when the text has none of the forms `[[ip:][hostPort]:]containerPort[/protocol]`. Numbers are not looked at. */
export function readPort(text: string): PublishedPort | null {
  const groups = PORT.exec(text)?.groups;
  if (groups?.["container"] === undefined) return null;
  return {
    text,
    host_ip: groups["ip6"] ?? (groups["ip"] || null),
    host_port: groups["host"] || null,
    container_port: groups["container"],
    protocol: groups["protocol"] ?? "tcp",
  };
}

/** `8000-8010` as numbers, a single port as a range of one; null outside 1 to 65535 or upside down. */
export function portRange(text: string): { from: number; to: number } | null {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (match === null) return null;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from >= 1 && to <= 65_535 && from <= to ? { from, to } : null;
}
