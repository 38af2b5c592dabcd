import { describe, expect, test } from "vitest";
import { unitGraph } from "#quadlet/unit-graph.ts";

const STACK = [
  {
    filename: "openwebui.container",
    text: `[Unit]
Description=Open WebUI
After=litellm.service network-online.target
Wants=litellm.service

[Container]
Image=ghcr.io/open-webui/open-webui:v0.6.5
Network=stack.network:alias=webui
PublishPort=127.0.0.1:3000:8080
PublishPort=[::1]:3001:8081/udp
Volume=openwebui.volume:/app/backend/data:Z
Volume=./config/banner.txt:/app/banner.txt:ro
Volume=scratch:/scratch
Environment=WEBUI_NAME="my stack" ENABLE=true
EnvironmentFile=openwebui.env
Secret=webui_key,type=env,target=WEBUI_SECRET_KEY
Secret=ca_file
Pod=

[Install]
WantedBy=default.target
`,
  },
  { filename: "openwebui.container.d/10-limit.conf", text: "[Container]\nMemory=1g\nEnvironment=EXTRA=1\n" },
  { filename: "litellm.container", text: "[Container]\nImage=llm.image\nNetwork=stack.network\nServiceName=litellm\n" },
  { filename: "llm.image", text: "[Image]\nImage=ghcr.io/berriai/litellm:v1.60.0\n" },
  { filename: "openwebui.volume", text: "[Volume]\nVolumeName=openwebui-data\nLabel=backup=yes\n" },
  { filename: "stack.network", text: "[Network]\nSubnet=10.89.0.0/24\nGateway=10.89.0.1\n" },
  { filename: "config/banner.txt", text: "hello\n" },
  { filename: "openwebui.env", text: "A=1\n" },
  { filename: "web.pod", text: "[Pod]\nPublishPort=80:80\n" },
  { filename: "sidecar.container", text: "[Container]\nImage=docker.io/library/caddy:2\nPod=web.pod\n" },
];

describe("unitGraph", () => {
  const graph = unitGraph(STACK);
  const service = (name: string) => graph.services.find((one) => one.name === name);

  test("names services as the generator does", () => {
    expect(graph.services.map((one) => one.name).toSorted()).toEqual(
      ["litellm", "llm-image", "openwebui", "openwebui-volume", "sidecar", "stack-network", "web-pod"].toSorted(),
    );
  });

  test("resolves images, ports, mounts, secrets and files of a container", () => {
    expect(service("litellm")).toMatchObject({ image: "ghcr.io/berriai/litellm:v1.60.0", image_file: "llm.image" });
    expect(service("openwebui")).toMatchObject({
      description: "Open WebUI",
      ports: [
        { host_ip: "127.0.0.1", host_port: "3000", container_port: "8080", protocol: "tcp" },
        { host_ip: "::1", host_port: "3001", container_port: "8081", protocol: "udp" },
      ],
      environment_keys: ["ENABLE", "EXTRA", "WEBUI_NAME"],
      secrets: [
        { name: "webui_key", type: "env", target: "WEBUI_SECRET_KEY" },
        { name: "ca_file", type: "mount", target: "ca_file" },
      ],
      networks: [{ name: "systemd-stack", quadlet_file: "stack.network", options: "alias=webui" }],
      mounts: [
        { kind: "volume", source: "openwebui-data", quadlet_file: "openwebui.volume", mount_path: "/app/backend/data" },
        { kind: "bind", source: "./config/banner.txt", mount_path: "/app/banner.txt", is_read_only: true },
        { kind: "volume", source: "scratch", quadlet_file: null, mount_path: "/scratch" },
      ],
      pod: null,
      wanted_by: ["default.target"],
      depends_on: ["litellm", "openwebui-volume", "stack-network"],
      files: ["openwebui.container", "openwebui.container.d/10-limit.conf", "openwebui.env", "config/banner.txt"],
    });
  });

  test("a container waits for its pod, and the pod starts it", () => {
    expect(service("sidecar")).toMatchObject({ pod: "web-pod", depends_on: ["web-pod"] });
    expect(service("web-pod")?.depends_on).toEqual([]);
    expect(service("web-pod")?.dependencies).toContainEqual({
      relation: "Wants",
      unit: "sidecar.service",
      service: "sidecar",
      origin: "reference",
    });
  });

  test("gives the manifest its volumes, networks and secrets", () => {
    expect(graph.volumes).toEqual([
      {
        name: "openwebui-data",
        quadlet_file: "openwebui.volume",
        service: "openwebui-volume",
        driver: "local",
        options: {},
        labels: { backup: "yes" },
        mount_path: "/app/backend/data",
        used_by: [{ service: "openwebui", mount_path: "/app/backend/data" }],
      },
      expect.objectContaining({ name: "scratch", quadlet_file: null, mount_path: "/scratch" }),
    ]);
    expect(graph.networks).toEqual([
      expect.objectContaining({
        name: "systemd-stack",
        subnet: "10.89.0.0/24",
        gateway: "10.89.0.1",
        driver: "bridge",
      }),
    ]);
    expect(graph.secrets).toEqual([
      { name: "ca_file", type: "mount", target: "ca_file", required: true, used_by: ["openwebui"] },
      { name: "webui_key", type: "env", target: "WEBUI_SECRET_KEY", required: true, used_by: ["openwebui"] },
    ]);
    expect(graph.files).toEqual([
      { filename: "openwebui.container.d/10-limit.conf", used_by: ["openwebui"] },
      { filename: "config/banner.txt", used_by: ["openwebui"] },
      { filename: "openwebui.env", used_by: ["openwebui"] },
    ]);
    expect(graph.findings).toEqual([]);
  });

  test("describes a broken unit as far as it goes, and never throws", () => {
    const broken = unitGraph([
      { filename: "a.container", text: "[Container\nImage=x\n[Container]\nImage=docker.io/y\nfoo\n" },
    ]);
    expect(broken.services).toMatchObject([{ name: "a", image: "docker.io/y" }]);
    expect(broken.findings.map((finding) => [finding.code, finding.place?.line])).toEqual([
      ["unit_syntax", 1],
      ["unit_syntax", 2],
      ["unit_syntax", 5],
    ]);
  });

  test("translates [Unit] names from Podman 5.5 on, as the generator does", () => {
    const files = [
      { filename: "a.container", text: "[Container]\nImage=docker.io/x\n[Unit]\nRequires=b.container\n" },
      { filename: "b.container", text: "[Container]\nImage=docker.io/x\n" },
    ];
    expect(unitGraph(files, "5.4").services[0]?.depends_on).toEqual([]);
    expect(unitGraph(files, "5.5").services[0]?.depends_on).toEqual(["b"]);
  });
});
