import type { Finding } from "#core/finding.ts";
import { filesOf, findFileUses } from "#quadlet/file-uses.ts";
import { loadUnits, type BundleFile, type LoadedBundle, type LoadedUnit } from "#quadlet/load-units.ts";
import { PODMAN_TARGET_DEFAULT } from "#quadlet/podman-version.ts";
import { readMounts } from "#quadlet/read-mounts.ts";
import { readPorts, type PublishedPort } from "#quadlet/read-ports.ts";
import { readSecrets } from "#quadlet/read-secrets.ts";
import { referencesOf, type Reference } from "#quadlet/references.ts";
import { syntaxFindings } from "#quadlet/syntax-findings.ts";
import { dependenciesOf, serviceUnit, writtenDependencies, type Dependency } from "#quadlet/unit-dependencies.ts";
import { baseName, namePartsOf, unitTypeOf, type UnitType } from "#quadlet/unit-names.ts";

export type { BundleFile } from "#quadlet/load-units.ts";
export type { PublishedPort } from "#quadlet/read-ports.ts";
export type { Dependency } from "#quadlet/unit-dependencies.ts";
export type { UnitType } from "#quadlet/unit-names.ts";

/** What a set of unit files makes: the source of the manifest and of the impact plan. Plain JSON throughout. */
export type UnitGraph = {
  podman: string;
  services: ServiceNode[];
  volumes: VolumeNode[];
  networks: NetworkNode[];
  secrets: SecretNode[];
  files: FileNode[];
  /** Problems that keep a file from being read. `checkUnits` finds these and all others. */
  findings: Finding[];
};

/** One generated systemd service: every unit file gives exactly one. */
export type ServiceNode = {
  /** As generated, without `.service`: `openwebui`, `data-volume`. */
  name: string;
  type: UnitType;
  quadlet_file: string;
  /** `Description=` of [Unit]. */
  description: string | null;
  is_template: boolean;
  /** Name of the container, pod, volume, network or image; null where systemd decides at run time. */
  resource_name: string | null;
  /** What will be pulled or built; through a `.image` or `.build` unit where `Image=` names one. Null without an image. */
  image: string | null;
  /** The `.image` or `.build` file that `Image=` names. */
  image_file: string | null;
  ports: PublishedPort[];
  /** Names only: values of Environment= never leave the render. */
  environment_keys: string[];
  secrets: SecretUse[];
  mounts: MountUse[];
  networks: NetworkUse[];
  /** The pod's service, for a container in a pod. */
  pod: string | null;
  dependencies: Dependency[];
  /** Services of this bundle that must run before this one. */
  depends_on: string[];
  /** `WantedBy=` and `RequiredBy=` of [Install]: empty means that nothing starts it by itself. */
  wanted_by: string[];
  /** The unit, its drop-ins, and the files of the bundle that it reads or mounts. */
  files: string[];
};

export type SecretUse = { name: string; type: "mount" | "env"; target: string };
export type MountUse = {
  /** `volume`, `bind`, `tmpfs`, or another type of `Mount=`. */
  kind: string;
  /** Name of the volume or path on the host; null for tmpfs and anonymous volumes. */
  source: string | null;
  /** The bundle's unit that `source` comes from. */
  quadlet_file: string | null;
  mount_path: string;
  is_read_only: boolean;
};
/** `name` is a network of Podman, or a mode such as `host` or `none`. */
export type NetworkUse = { name: string; quadlet_file: string | null; options: string };

export type VolumeNode = {
  name: string;
  /** Null for a volume that a container names without a `.volume` unit: Podman makes it on first use. */
  quadlet_file: string | null;
  service: string | null;
  driver: string;
  options: Record<string, string>;
  labels: Record<string, string>;
  /** Where its first user mounts it; null when nobody does. */
  mount_path: string | null;
  used_by: { service: string; mount_path: string }[];
};

export type NetworkNode = {
  name: string;
  quadlet_file: string;
  service: string;
  driver: string;
  subnet: string | null;
  gateway: string | null;
  subnets: string[];
  used_by: string[];
};

/** One secret as the device must have it. Used twice with different targets, it occurs twice. */
export type SecretNode = SecretUse & { required: boolean; used_by: string[] };

/** A file that is no unit. */
export type FileNode = { filename: string; used_by: string[] };

/** `Secret=` and `Environment=` of a build are for building only, but the device must have them all the same. */
function secretUses(unit: LoadedUnit): SecretUse[] {
  if (unit.type !== "container" && unit.type !== "build") return [];
  return readSecrets(unit)
    .filter((secret) => secret.name !== "")
    .map(({ name, type, target }) => ({ name, type: type === "env" ? "env" : "mount", target }));
}

function mountUses(unit: LoadedUnit, references: readonly Reference[]): MountUse[] {
  if (unit.type !== "container" && unit.type !== "pod") return [];
  return readMounts(unit).map(({ kind, source, destination, options, assignment, offset }) => {
    const reference = references.find(
      (one) => one.assignment === assignment && one.offset === offset && one.name === source,
    );
    const target = reference?.target ?? null;
    return {
      kind,
      source: target?.resourceName ?? (source || null),
      quadlet_file: target?.filename ?? null,
      mount_path: destination,
      is_read_only: options.some((option) => option === "ro" || option === "readonly"),
    };
  });
}

function networkUses(unit: LoadedUnit, bundle: LoadedBundle): NetworkUse[] {
  return unit.view.all(unit.section, "Network").map(({ value }) => {
    const colon = value.indexOf(":");
    const [name, options] = colon === -1 ? [value, ""] : [value.slice(0, colon), value.slice(colon + 1)];
    const target = /\.(?:network|container)$/.test(name) ? bundle.byName.get(name) : undefined;
    return { name: target?.resourceName ?? name, quadlet_file: target?.filename ?? null, options };
  });
}

function imageOf(unit: LoadedUnit, references: readonly Reference[]): Pick<ServiceNode, "image" | "image_file"> {
  const target = references.find((reference) => reference.key === "Image")?.target ?? null;
  if (target !== null) return { image: target.resourceName || null, image_file: target.filename };
  if (unit.type === "build" || unit.type === "artifact") return { image: unit.resourceName || null, image_file: null };
  return { image: unit.view.string(unit.section, "Image") || null, image_file: null };
}

const BEFORE_ME = new Set(["Requires", "Requisite", "BindsTo", "Wants", "After"]);

/** A container of a pod waits for the pod, although the pod's service wants the container. */
function requiredServices(dependencies: readonly Dependency[]): string[] {
  const found = new Set<string>();
  for (const { relation, service } of dependencies) if (service !== null && BEFORE_ME.has(relation)) found.add(service);
  for (const { relation, service } of dependencies)
    if (service !== null && relation === "Before") found.delete(service);
  return [...found].toSorted();
}

function serviceOf(unit: LoadedUnit, bundle: LoadedBundle): ServiceNode {
  const { view, section } = unit;
  const references = referencesOf(unit, bundle);
  const dependencies = dependenciesOf(unit, bundle);
  const name = namePartsOf(unit.basename);
  const pod = references.find((reference) => reference.key === "Pod")?.target ?? null;
  return {
    name: unit.serviceName,
    type: unit.type,
    quadlet_file: unit.filename,
    description: view.string("Unit", "Description") || null,
    is_template: name.isTemplated && name.instance === "",
    resource_name: unit.resourceName || null,
    ...imageOf(unit, references),
    ports: readPorts(unit).flatMap(({ port }) => port ?? []),
    environment_keys: [...view.keyvals(section, "Environment").keys()].toSorted(),
    secrets: secretUses(unit),
    mounts: mountUses(unit, references),
    networks: networkUses(unit, bundle),
    pod: pod?.serviceName ?? null,
    dependencies,
    depends_on: requiredServices(dependencies).filter((service) => service !== unit.serviceName),
    wanted_by: [...view.words("Install", "WantedBy", "words"), ...view.words("Install", "RequiredBy", "words")].map(
      (word) => word.text,
    ),
    files: filesOf(unit, findFileUses(unit, bundle)),
  };
}

function keyvalRecord(unit: LoadedUnit, key: string): Record<string, string> {
  const entries = [...unit.view.keyvals(unit.section, key)].map(([name, { value }]): [string, string] => [
    name,
    value ?? "",
  ]);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The options of `podman volume create` that decide what the volume is, by the keys that set them. */
const VOLUME_OPTIONS = [
  ["Device", "device"],
  ["Type", "type"],
  ["Options", "o"],
  ["User", "uid"],
  ["Group", "gid"],
  ["UID", "uid"],
  ["GID", "gid"],
  ["Image", "image"],
  ["Copy", "copy"],
] as const;

function volumeOptions({ view, section }: LoadedUnit): Record<string, string> {
  const options: Record<string, string> = {};
  for (const [key, option] of VOLUME_OPTIONS) {
    const value = view.string(section, key) ?? "";
    if (value !== "") options[option] = value;
  }
  return options;
}

/** A volume that only a `Volume=name:/path` knows. */
const namedVolume = (name: string): VolumeNode => ({
  name,
  quadlet_file: null,
  service: null,
  driver: "local",
  options: {},
  labels: {},
  mount_path: null,
  used_by: [],
});

function volumesOf(bundle: LoadedBundle, services: readonly ServiceNode[]): VolumeNode[] {
  const volumes = new Map<string, VolumeNode>();
  for (const unit of bundle.units) {
    if (unit.type !== "volume") continue;
    volumes.set(unit.resourceName, {
      name: unit.resourceName,
      quadlet_file: unit.filename,
      service: unit.serviceName,
      driver: unit.view.string(unit.section, "Driver") || "local",
      options: volumeOptions(unit),
      labels: keyvalRecord(unit, "Label"),
      mount_path: null,
      used_by: [],
    });
  }
  for (const service of services) {
    for (const { kind, source, mount_path, quadlet_file } of service.mounts) {
      if (kind !== "volume" || source === null || (quadlet_file === null && source.endsWith(".volume"))) continue;
      const volume = volumes.get(source) ?? namedVolume(source);
      volume.mount_path ??= mount_path;
      volume.used_by.push({ service: service.name, mount_path });
      volumes.set(source, volume);
    }
  }
  return [...volumes.values()];
}

/** Names of the services under each of the keys that `keysOf` gives for them. */
function groupedBy(
  services: readonly ServiceNode[],
  keysOf: (service: ServiceNode) => readonly string[],
): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const service of services) {
    for (const key of keysOf(service)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [service.name]);
      else if (group.at(-1) !== service.name) group.push(service.name);
    }
  }
  return groups;
}

function networksOf(bundle: LoadedBundle, services: readonly ServiceNode[]): NetworkNode[] {
  const users = groupedBy(services, (service) => service.networks.map((use) => use.quadlet_file ?? ""));
  return bundle.units
    .filter((unit) => unit.type === "network")
    .map((unit) => {
      const subnets = unit.view.all(unit.section, "Subnet").map((assignment) => assignment.value);
      return {
        name: unit.resourceName,
        quadlet_file: unit.filename,
        service: unit.serviceName,
        driver: unit.view.string(unit.section, "Driver") || "bridge",
        subnet: subnets[0] ?? null,
        gateway: unit.view.all(unit.section, "Gateway")[0]?.value ?? null,
        subnets,
        used_by: users.get(unit.filename) ?? [],
      };
    });
}

function secretsOf(services: readonly ServiceNode[]): SecretNode[] {
  const secrets = new Map<string, SecretNode>();
  for (const service of services) {
    for (const use of service.secrets) {
      const key = `${use.name}\n${use.type}\n${use.target}`;
      const secret = secrets.get(key) ?? { ...use, required: true, used_by: [] };
      secret.used_by.push(service.name);
      secrets.set(key, secret);
    }
  }
  return [...secrets.values()].toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/**
 * Reads a bundle as the given Podman would and says what it makes. Bad units are described as far as they can be read;
 * what cannot be read is a finding, and nothing throws. Pure: the same files give the same graph, in a stable order.
 */
export function unitGraph(files: readonly BundleFile[], podman: string = PODMAN_TARGET_DEFAULT): UnitGraph {
  return graphOf(loadUnits(files, podman));
}

/** A bundle and its graph. */
export type Graphed = { readonly bundle: LoadedBundle; readonly graph: UnitGraph };

/**
 * Whether a unit makes the same service in another bundle too: same text (loading shares the view then), and everything that it names
 * leads to the same names there. Pods depend on who joins them, and units with files on what lies beside them.
 */
function isSameIn(unit: LoadedUnit, bundle: LoadedBundle, other: LoadedBundle): boolean {
  if (unit.type === "pod" || other.byName.get(unit.basename)?.view !== unit.view) return false;
  if (findFileUses(unit, bundle).length > 0) return false;
  const leadsThere = (reference: Reference) => {
    const target = other.byName.get(reference.name);
    const [here, there] = [reference.target, target];
    return (
      here?.filename === there?.filename &&
      here?.resourceName === there?.resourceName &&
      here?.serviceName === there?.serviceName
    );
  };
  return (
    referencesOf(unit, bundle).every(leadsThere) &&
    writtenDependencies(unit, bundle).every(
      (one) => serviceUnit(one.unit, other)?.serviceName === one.target?.serviceName,
    )
  );
}

/** Services of `like` that are the same in `bundle`, by file. */
function sharedServices(bundle: LoadedBundle, like: Graphed | undefined): Map<string, ServiceNode> {
  if (like === undefined || like.bundle.podman !== bundle.podman) return new Map();
  const shared = like.graph.services.filter(({ quadlet_file }) => {
    const unit = like.bundle.byName.get(baseName(quadlet_file));
    return unit !== undefined && isSameIn(unit, like.bundle, bundle);
  });
  return new Map(shared.map((service) => [service.quadlet_file, service]));
}

/** The graph of a bundle that is already loaded; what is the same in `like` is taken from there. */
export function graphOf(bundle: LoadedBundle, like?: Graphed): UnitGraph {
  const { files, podman } = bundle;
  const shared = sharedServices(bundle, like);
  const services = bundle.units.map((unit) => shared.get(unit.filename) ?? serviceOf(unit, bundle));
  const users = groupedBy(services, (service) => service.files);
  const others = files.filter((file) => unitTypeOf(file.filename) === null);
  return {
    podman,
    services,
    volumes: volumesOf(bundle, services),
    networks: networksOf(bundle, services),
    secrets: secretsOf(services),
    files: others.map(({ filename }) => ({ filename, used_by: users.get(filename) ?? [] })),
    findings: syntaxFindings(bundle),
  };
}
