import type { DataRisk } from "#quadlet/plan/plan.ts";
import type { MountUse, ServiceNode, UnitGraph, VolumeNode } from "#quadlet/unit-graph.ts";
import { compareNumbers, imageVersion, isDatabase } from "#quadlet/plan/image-version.ts";
import { servicesOf } from "#quadlet/plan/order-services.ts";

const keepsData = (mount: MountUse) => mount.kind === "volume" || mount.kind === "bind";

/** One service, one path: another volume or folder there means that its data is not there. */
function mountRisks(before: ServiceNode, after: ServiceNode): DataRisk[] {
  const risks: DataRisk[] = [];
  for (const old of before.mounts.filter((mount) => keepsData(mount) && !mount.is_read_only && mount.source !== null)) {
    const here = after.mounts.find((mount) => mount.mount_path === old.mount_path);
    const moved = after.mounts.find((mount) => mount.source === old.source && mount.kind === old.kind);
    const base = { service: after.name };
    if (here === undefined && moved !== undefined) {
      const text = `${after.name} finds the data of ${old.source} at ${moved.mount_path}, no longer at ${old.mount_path}.`;
      risks.push({ ...base, code: "mount_path_changed", from: old.mount_path, to: moved.mount_path, text });
    } else if (here !== undefined && here.source !== old.source) {
      const isVolume = old.kind === "volume";
      const to = here.source ?? here.kind;
      const text = isVolume
        ? `${after.name} gets ${to} at ${old.mount_path}, which starts empty: its data stays in the volume ${old.source}.`
        : `${after.name} gets ${to} at ${old.mount_path} instead of ${old.source}, where its data stays.`;
      risks.push({ ...base, code: isVolume ? "volume_renamed" : "bind_source_changed", from: old.source, to, text });
    } else if (here === undefined) {
      const text = `${after.name} mounts ${old.source} no longer: what it wrote to ${old.mount_path} is out of its reach.`;
      risks.push({ ...base, code: "volume_dropped", from: old.source, to: null, text });
    }
  }
  return risks;
}

function imageRisks(before: ServiceNode, after: ServiceNode): DataRisk[] {
  if (before.image === null || after.image === null || before.image === after.image || after.type === "image")
    return [];
  const from = imageVersion(before.image);
  const to = imageVersion(after.image);
  const base = { service: after.name, from: before.image, to: after.image };
  const keeps = before.mounts.some((mount) => keepsData(mount) && !mount.is_read_only);
  if (isDatabase(from) && from.name !== to.name) {
    const text = `${after.name} becomes another program, ${to.shortName} instead of ${from.shortName}: it may not read the data.`;
    return [{ ...base, code: "database_replaced", text }];
  }
  const difference = compareNumbers(from.numbers, to.numbers);
  if (isDatabase(to) && (from.numbers[0] ?? 0) !== (to.numbers[0] ?? 0)) {
    const text = `${after.name} goes from ${from.shortName} ${from.numbers[0] ?? "?"} to ${to.numbers[0] ?? "?"}: back up and migrate its data first.`;
    return [{ ...base, code: "database_major", text }];
  }
  if (difference >= 0 || !keeps || from.name !== to.name) return [];
  const text = `${after.name} goes back to an older image, which may not read what the newer one wrote.`;
  return [{ ...base, code: "image_downgrade", text }];
}

/** `podman volume create --ignore` leaves an existing volume as it is. */
function optionRisks(before: VolumeNode, after: VolumeNode): DataRisk[] {
  const settings = ({ driver, options, labels }: VolumeNode) => JSON.stringify([driver, options, labels]);
  if (before.quadlet_file === null || settings(before) === settings(after)) return [];
  const text = `The volume ${after.name} keeps its old settings: new ones take effect only when it is removed, with its data.`;
  return [{ code: "volume_options", service: null, from: before.name, to: after.name, text }];
}

/** A volume of a service that goes, and that nobody else uses any more. */
function droppedVolumes(old: UnitGraph, next: UnitGraph): DataRisk[] {
  const kept = new Set(next.volumes.map((volume) => volume.name));
  const services = servicesOf(next.services);
  return old.volumes
    .filter((volume) => !kept.has(volume.name) && !volume.used_by.some((use) => services.has(use.service)))
    .map((volume) => ({
      code: "volume_dropped" as const,
      service: volume.used_by[0]?.service ?? null,
      from: volume.name,
      to: null,
      text: `Nothing uses the volume ${volume.name} any more. It stays on the device until somebody removes it.`,
    }));
}

/** Everything about the change that touches data, the gravest first. */
export function dataRisks(old: UnitGraph, next: UnitGraph): DataRisk[] {
  const before = servicesOf(old.services);
  const services = next.services.flatMap((after) => {
    const found = before.get(after.name);
    // Graphs share the services that are the same in both renders.
    return found === undefined || found === after ? [] : [...imageRisks(found, after), ...mountRisks(found, after)];
  });
  const oldVolumes = new Map(old.volumes.map((volume) => [volume.name, volume]));
  const volumes = next.volumes.flatMap((after) => {
    const found = oldVolumes.get(after.name);
    return found === undefined ? [] : optionRisks(found, after);
  });
  const order: readonly DataRisk["code"][] = [
    "database_replaced",
    "database_major",
    "volume_renamed",
    "image_downgrade",
    "mount_path_changed",
    "bind_source_changed",
    "volume_dropped",
    "volume_options",
  ];
  return [...services, ...volumes, ...droppedVolumes(old, next)].toSorted(
    (a, b) => order.indexOf(a.code) - order.indexOf(b.code),
  );
}
