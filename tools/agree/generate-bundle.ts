import type { BundleFile } from "#quadlet/load-units.ts";
import { isKeyKnown, keyInfo, keysOf } from "#quadlet/key-table.ts";
import type { Random } from "./random.ts";

/** Values that a key certainly takes; keys without a row get one of their kind. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  AddDevice: ["/dev/null", "nvidia.com/gpu=all"],
  Annotation: ["note=one", '"note=two words"'],
  AutoUpdate: ["registry", "local"],
  ContainerName: ["box-a", "box-b", "box-%i"],
  Driver: ["local", "bridge"],
  Entrypoint: ["/bin/sh", '["/bin/sh","-c"]'],
  Environment: ["A=1", 'A=1 B="two words"', '"GREETING=hello world" EMPTY='],
  EnvironmentFile: ["/etc/default/box", "%h/box.env"],
  Exec: ["sleep infinity", "sh -c 'echo hi; sleep 1'", '--flag "a b" --other=c'],
  ExposeHostPort: ["8080", "8000-8010/udp"],
  GIDMap: ["0:10000:10"],
  HealthCmd: ["curl -fsS http://localhost:8080/", "CMD-SHELL true"],
  HealthInterval: ["30s", "1m30s", "disable"],
  HealthStartupInterval: ["30s"],
  HealthStartupTimeout: ["30s"],
  HealthStartPeriod: ["2m"],
  HealthTimeout: ["5s"],
  HealthRetries: ["3"],
  HealthStartupRetries: ["3"],
  HealthStartupSuccess: ["1"],
  HealthMaxLogCount: ["5"],
  HealthMaxLogSize: ["500"],
  HealthOnFailure: ["kill", "restart", "none"],
  IP: ["10.89.0.9"],
  IP6: ["fd00::9"],
  Label: ["app=box", 'a=1 "b=2 3"'],
  Memory: ["512m"],
  Mount: ["type=tmpfs,target=/tmp/x", "type=bind,source=/etc/hosts,target=/hosts,ro"],
  Notify: ["true", "healthy"],
  Options: ["mtu=1400"],
  PidsLimit: ["100"],
  PodmanArgs: ["--log-level=info", '--annotation "x=y z"'],
  PublishPort: ["8080:80", "127.0.0.1:8081:81/tcp", "82"],
  Pull: ["missing", "never"],
  Retry: ["3"],
  RetryDelay: ["5s"],
  Secret: ["token", "token,type=env,target=TOKEN", "cert,target=/etc/cert,mode=0400"],
  ServiceName: ["renamed"],
  ShmSize: ["64m"],
  StopTimeout: ["20"],
  Subnet: ["10.89.7.0/24"],
  Sysctl: ["net.core.somaxconn=1024"],
  Timezone: ["local", "Europe/Berlin"],
  Tmpfs: ["/run/x", "/run/y:size=10m"],
  UIDMap: ["0:10000:10"],
  Ulimit: ["nofile=1024:2048"],
  User: ["1000"],
  UserNS: ["keep-id", "auto"],
  Volume: ["/srv/data:/data:ro", "named:/named", "/anonymous"],
};
/** Only together with other keys, or in a section of their own: the generator of bundles sets these on purpose. */
const SKIPPED = new Set([
  "Image",
  "Rootfs",
  "Yaml",
  "ImageTag",
  "File",
  "SetWorkingDirectory",
  "Artifact",
  "Pod",
  "Group",
  "Gateway",
  "IPRange",
  "Device",
  "Type",
  "Options",
  "RemapUsers",
  "RemapUid",
  "RemapGid",
  "ReloadSignal",
  "ReloadCmd",
  "Driver",
  "Network",
]);

function valueFor(section: string, key: string, random: Random): string {
  const known = VALUES[key];
  if (known !== undefined && !(section === "Volume" && key === "User")) return random.pick(known);
  switch (keyInfo(section, key)?.kind) {
    case "bool":
    case "bool_or_healthy":
      return random.pick(["true", "false", "yes", "0", "On"]);
    case "uint32":
      return random.pick(["1000", "0"]);
    case "keyval":
      return random.pick(["a=b", 'a="b c" d=e']);
    default:
      return random.pick(["one", "two-words", "three/3"]);
  }
}

function lines(section: string, required: readonly string[], options: { random: Random; podman: string }): string {
  const { random, podman } = options;
  const keys = keysOf(section).filter((key) => {
    const info = keyInfo(section, key);
    return (
      info !== null && isKeyKnown(info, podman) && !SKIPPED.has(key) && (key !== "ServiceName" || random.below(9) === 0)
    );
  });
  const chosen = new Set(Array.from({ length: random.below(7) }, () => random.pick(keys)));
  const optional = [...chosen].map((key) => `${key}=${valueFor(section, key, random)}`);
  const body = [...required, ...optional].toSorted(() => random.next() - 0.5);
  const comment = random.below(4) === 0 ? "# a note\n\n" : "";
  return `${comment}[${section}]\n${body.join("\n")}\n`;
}

const UNIT = [
  "",
  "[Unit]\nDescription=A box\n",
  "[Unit]\nAfter=network-online.target\n",
  "[X-Leger]\nDeployment=demo\n",
];
const TAIL = ["", "\n[Service]\nRestart=always\nTimeoutStartSec=900\n", "\n[Install]\nWantedBy=default.target\n"];

/** A bundle of one to six units that name each other, valid on `podman` as far as we know; the judge says whether it is. */
export function generateBundle(random: Random, podman: string): BundleFile[] {
  const options = { random, podman };
  const files: BundleFile[] = [];
  const add = (filename: string, section: string, required: readonly string[] = []) => {
    files.push({ filename, text: random.pick(UNIT) + lines(section, required, options) + random.pick(TAIL) });
  };
  const references: string[] = [];
  if (random.below(2) === 0) {
    add("net.network", "Network", random.below(2) === 0 ? ["Subnet=10.89.3.0/24", "Gateway=10.89.3.1"] : []);
    references.push("Network=net.network");
  }
  if (random.below(2) === 0) {
    add("data.volume", "Volume");
    references.push("Volume=data.volume:/var/lib/data");
  }
  let image = `Image=${random.pick(["docker.io/library/caddy:2", "quay.io/x/y@sha256:" + "0".repeat(64), "localhost/own:1"])}`;
  if (random.below(6) === 0) {
    add("pull.image", "Image", ["Image=docker.io/library/caddy:2"]);
    image = "Image=pull.image";
  } else if (random.below(8) === 0) {
    add("own.build", "Build", ["ImageTag=localhost/own:1", "SetWorkingDirectory=unit"]);
    image = "Image=own.build";
  }
  if (random.below(5) === 0) {
    add("group.pod", "Pod");
    references.push("Pod=group.pod");
  }
  add(random.pick(["web.container", "web@.container"]), "Container", [image, ...references]);
  if (random.below(6) === 0) add("play.kube", "Kube", ["Yaml=play.yaml"]);
  if (random.below(6) === 0)
    files.push({ filename: "web.container.d/10-more.conf", text: "[Container]\nLabel=more=1\n" });
  if (files.some((file) => file.filename === "play.kube")) files.push({ filename: "play.yaml", text: "kind: Pod\n" });
  return files;
}
