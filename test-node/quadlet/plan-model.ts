import { loadUnits, type BundleFile, type LoadedBundle } from "#quadlet/load-units.ts";
import type { PlanStep } from "#quadlet/plan/plan.ts";
import { unitGraph, type ServiceNode, type UnitGraph } from "#quadlet/unit-graph.ts";

const TIED = new Set(["Requires", "Requisite", "BindsTo", "PartOf"]);
const PULLED = new Set(["Requires", "Requisite", "BindsTo", "Wants"]);

type Loaded = { readonly graph: UnitGraph; readonly bundle: LoadedBundle; readonly services: Map<string, ServiceNode> };

function load(files: readonly BundleFile[], podman: string): Loaded {
  const graph = unitGraph(files, podman);
  const services = graph.services.filter((service) => !service.is_template);
  return {
    graph,
    bundle: loadUnits(files, podman),
    services: new Map(services.map((service) => [service.name, service])),
  };
}

/**
 * A model of one machine: systemd's propagation of starts, stops and restarts, and what Podman holds. It knows nothing of plans; each
 * step does what the command of its name does, and throws where the real command would fail.
 */
export class Machine {
  readonly running = new Map<string, string>();
  readonly networks = new Map<string, string>();
  readonly volumes = new Set<string>();
  private readonly images = new Set<string>();
  private readonly secrets = new Set<string>();
  private loaded: Loaded;

  private readonly podman: string;

  constructor(podman = "5.5") {
    this.podman = podman;
    this.loaded = load([], podman);
  }

  /** What would run if the service were started now: the unit as written, without what only people read, and its files. */
  private definition(name: string): string {
    const unit = this.loaded.bundle.byService.get(`${name}.service`);
    const service = this.loaded.services.get(name);
    if (unit === undefined || service === undefined) throw new Error(`${name} is not loaded`);
    if (service.type === "volume") return unit.resourceName;
    const isRunner = ["container", "pod", "kube"].includes(service.type);
    const lines = [unit.file, ...unit.dropIns]
      .flatMap((file) => file.nodes)
      .flatMap((node) => {
        if (node.type !== "assignment" || node.section.startsWith("X-") || node.section === "Install") return [];
        if (node.key === "Description" || (!isRunner && node.section !== unit.section)) return [];
        return [`${node.section}.${node.key}=${node.value}`];
      });
    const texts =
      service.type === "network"
        ? []
        : this.loaded.bundle.files.filter(
            (file) => service.files.slice(1).includes(file.filename) && !file.filename.endsWith(".conf"),
          );
    return JSON.stringify([
      lines.toSorted(),
      texts,
      service.image,
      isRunner ? [service.mounts, service.networks, service.resource_name] : null,
    ]);
  }

  private dependents(names: Iterable<string>): string[] {
    const found = new Set(names);
    for (;;) {
      const size = found.size;
      for (const service of this.loaded.services.values()) {
        if (
          service.dependencies.some((one) => one.service !== null && found.has(one.service) && TIED.has(one.relation))
        )
          found.add(service.name);
      }
      if (found.size === size) return [...found];
    }
  }

  private stop(name: string): void {
    for (const dependent of this.dependents([name])) this.running.delete(dependent);
  }

  private start(name: string, waiting: readonly string[] = []): void {
    if (this.running.has(name) || waiting.includes(name)) return;
    const service = this.loaded.services.get(name);
    if (service === undefined) throw new Error(`${name}.service not found`);
    // A pod wants its containers, and they come after it.
    const pulled = service.dependencies.filter((one) => PULLED.has(one.relation));
    const isLater = (one: (typeof pulled)[number]) => service.type === "pod" && one.relation === "Wants";
    for (const one of pulled) if (one.service !== null && !isLater(one)) this.start(one.service, [...waiting, name]);
    this.execute(service);
    this.running.set(name, this.definition(name));
    for (const one of pulled) if (one.service !== null && isLater(one)) this.start(one.service, waiting);
  }

  private execute(service: ServiceNode): void {
    switch (service.type) {
      case "network":
        if (!this.networks.has(service.resource_name ?? ""))
          this.networks.set(service.resource_name ?? "", this.definition(service.name));
        return;
      case "volume":
        this.volumes.add(service.resource_name ?? "");
        return;
      case "image":
      case "build":
      case "artifact":
        this.images.add(service.resource_name ?? "");
        return;
      case "container":
      case "pod":
      case "kube":
    }
    if (service.image !== null && !this.images.has(service.image))
      throw new Error(`${service.name}: no image ${service.image}`);
    for (const { name } of service.secrets)
      if (!this.secrets.has(name)) throw new Error(`${service.name}: no secret ${name}`);
    for (const use of service.networks) {
      if (use.quadlet_file !== null && !this.networks.has(use.name))
        throw new Error(`${service.name}: no network ${use.name}`);
    }
    for (const other of this.running.keys()) {
      const holder = this.holding.get(other);
      const taken = service.ports.find((port) => port.host_port !== null && holder?.includes(port.host_port));
      if (taken !== undefined && other !== service.name)
        throw new Error(`${service.name}: port ${taken.host_port} is held by ${other}`);
    }
    this.holding.set(
      service.name,
      service.ports.flatMap((port) => port.host_port ?? []),
    );
    this.using.set(
      service.name,
      service.networks.map((use) => use.name),
    );
    for (const mount of service.mounts)
      if (mount.kind === "volume" && mount.source !== null) this.volumes.add(mount.source);
  }

  /** Ports and networks of each running container, as it was started. */
  private readonly holding = new Map<string, string[]>();
  private readonly using = new Map<string, string[]>();

  private removeNetwork(name: string): void {
    for (const running of this.running.keys()) {
      if (this.using.get(running)?.includes(name)) throw new Error(`network ${name} is in use by ${running}`);
    }
    this.networks.delete(name);
  }

  apply(step: PlanStep, next: readonly BundleFile[]): void {
    if (step.is_implied) return;
    const { target } = step;
    switch (step.action) {
      case "pull":
        this.images.add(target);
        return;
      case "create_secret":
        this.secrets.add(target);
        return;
      case "stop":
        return this.stop(target);
      case "remove":
        return this.removeNetwork(target);
      case "install":
        this.before = this.loaded;
        this.loaded = load(next, this.podman);
        return;
      case "recreate_network":
        this.removeNetwork(this.before?.services.get(target)?.resource_name ?? "");
        return this.start(target);
      case "start":
        return this.start(target);
      case "restart": {
        const affected = this.dependents([target]).filter((name) => this.running.has(name) || name === target);
        for (const name of affected) this.running.delete(name);
        for (const name of affected) this.start(name);
        return;
      }
      case "reload":
        if (!this.running.has(target)) throw new Error(`${target} does not run`);
        this.running.set(target, this.definition(target));
    }
  }

  private before: Loaded | null = null;

  /** What must be true once `files` are in effect. */
  expectation(): { running: Map<string, string>; networks: Map<string, string>; volumes: string[] } {
    const names = [...this.loaded.services.keys()];
    const networks = this.loaded.graph.networks.map((network): [string, string] => [
      network.name,
      this.definition(network.service),
    ]);
    return {
      running: new Map(names.map((name) => [name, this.definition(name)])),
      networks: new Map(networks),
      volumes: this.loaded.graph.volumes.map((volume) => volume.name),
    };
  }
}
