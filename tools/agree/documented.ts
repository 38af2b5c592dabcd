/**
 * Errors that the generator and `systemd-analyze verify` do not see, because they show only when Podman runs the command or when
 * the unit is started. Each is an error all the same, for the reason given: the service certainly does not run as written.
 */
export const DOCUMENTED: Readonly<Record<string, string>> = {
  file_missing: "the unit reads a file of its own bundle that the bundle does not bring",
  health_check: "podman run refuses the duration, number or action",
  mount_path: "podman run refuses two mounts at one path",
  mount_syntax: "podman run refuses a mount without target",
  network_address: "podman network create refuses the subnet or gateway",
  port_conflict: "the second service cannot bind the port",
  port_ignored: "podman run refuses ports of a container in a pod",
  publish_port: "podman run refuses the port",
  resource_collision: "each container removes the other at its start",
  secret_syntax: "podman run refuses the secret's options",
  service_collision: "the generator writes one service over the other",
  type_too_new: "the generator passes over the file",
  unit_name: "systemd loads no unit of that name",
  unit_shadowed: "the generator reads only the first file of a name",
  value_format: "podman refuses the value",
  volume_syntax: "podman run refuses the volume",
  word_syntax: "the generator drops the whole value",
};
