const UNIT_ENDINGS = [
  "container",
  "volume",
  "network",
  "pod",
  "kube",
  "image",
  "build",
  "artifact",
  "service",
  "socket",
  "timer",
  "path",
  "target",
  "mount",
  "automount",
  "slice",
  "scope",
  "swap",
  "device",
];

/** Whether an output is read by systemd or quadlet as a unit: by its ending, or as a drop-in (`x.container.d/y.conf`). */
export function isUnitFile(filename: string): boolean {
  const ending = filename.slice(filename.lastIndexOf(".") + 1);
  return UNIT_ENDINGS.includes(ending) || /\.d\/[^/]+\.conf$/.test(filename);
}
