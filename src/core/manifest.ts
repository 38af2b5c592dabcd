import { z } from "zod";
import { manifestId } from "#core/identity.ts";

/**
 * The manifest is the sole index of a render, and a pure function of its inputs: no random id, no present time, so that
 * a redelivered message makes the same bytes. Its shape is the one that the existing Go client reads, plus `files` and
 * `inputs`. Keys are in the order below: the bytes are JSON.stringify of it.
 */
export const FILE_TYPES = [
  "container",
  "volume",
  "network",
  "pod",
  "kube",
  "image",
  "build",
  "artifact",
  "config",
] as const;
export type FileType = (typeof FILE_TYPES)[number];

export const ManifestFile = z.object({
  filename: z.string(),
  type: z.enum(FILE_TYPES),
  size: z.int().nonnegative(),
  sha256: z.string().length(64),
});
export type ManifestFile = z.infer<typeof ManifestFile>;

export const Manifest = z
  .object({
    format: z.literal(1),
    manifest_id: z.uuid(),
    user_uuid: z.string(),
    name: z.string(),
    namespace: z.string(),
    epoch: z.int().positive(),
    version: z.int().positive(),
    created_at: z.string(),
    services: z.array(
      z.object({
        name: z.string(),
        type: z.enum(["container", "pod", "kube"]),
        description: z.string().optional(),
        image: z.string().optional(),
        files: z.array(z.string()),
        depends_on: z.array(z.string()),
        ports: z.array(z.string()),
      }),
    ),
    volumes: z.array(
      z.object({
        name: z.string(),
        driver: z.string(),
        options: z.record(z.string(), z.string()),
        labels: z.record(z.string(), z.string()),
        mount_path: z.string().nullable(),
      }),
    ),
    networks: z.array(
      z.object({ name: z.string(), driver: z.string(), subnet: z.string().nullable(), gateway: z.string().nullable() }),
    ),
    secrets: z.array(
      z.object({ name: z.string(), type: z.enum(["env", "mount"]), target: z.string(), required: z.boolean() }),
    ),
    files: z.array(ManifestFile),
    // null for an upload, which no pack made
    inputs: z.object({
      pack: z.string().nullable(),
      schema_version: z.string().nullable(),
      pack_digest: z.string().nullable(),
      engine_version: z.string(),
      podman_target: z.string(),
    }),
  })
  .meta({ id: "Manifest" });
export type Manifest = z.infer<typeof Manifest>;

/** What the unit graph must tell (src/quadlet gives it): names as generated, without `.service`. */
export type ManifestGraph = {
  services: {
    name: string;
    type: string;
    quadlet_file: string;
    description: string | null;
    image: string | null;
    ports: { text: string }[];
    secrets: { name: string }[];
    depends_on: string[];
    files: string[];
  }[];
  volumes: {
    name: string;
    driver: string;
    options: Record<string, string>;
    labels: Record<string, string>;
    mount_path: string | null;
  }[];
  networks: { name: string; driver: string; subnet: string | null; gateway: string | null }[];
  secrets: { name: string; type: "env" | "mount"; target: string; required: boolean }[];
};

export type ManifestInputs = {
  workspaceId: string;
  epoch: number;
  version: number;
  deploymentName: string;
  namespace: string;
  createdAt: string;
  files: ManifestFile[];
  graph: ManifestGraph;
  inputs: Manifest["inputs"];
};

export function buildManifest(of: ManifestInputs): Manifest {
  return {
    format: 1,
    manifest_id: manifestId(of),
    user_uuid: of.workspaceId,
    name: of.deploymentName,
    namespace: of.namespace,
    epoch: of.epoch,
    version: of.version,
    created_at: of.createdAt,
    services: of.graph.services.flatMap((service) => {
      const { type } = service;
      if (type !== "container" && type !== "pod" && type !== "kube") return [];
      return {
        name: service.name,
        type,
        ...(service.description !== null && { description: service.description }),
        ...(service.image !== null && { image: service.image }),
        files: service.files,
        depends_on: service.depends_on,
        ports: service.ports.map(({ text }) => text),
      };
    }),
    volumes: of.graph.volumes.map(({ name, driver, options, labels, mount_path }) => ({
      name,
      driver,
      options,
      labels,
      mount_path,
    })),
    networks: of.graph.networks.map(({ name, driver, subnet, gateway }) => ({ name, driver, subnet, gateway })),
    secrets: of.graph.secrets.map(({ name, type, target, required }) => ({ name, type, target, required })),
    files: of.files,
    inputs: of.inputs,
  };
}

export const manifestBytes = (manifest: Manifest) => new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`);

/** A file's type is its extension; whatever is no unit is `config`. */
export function fileType(filename: string): FileType {
  const extension = filename.slice(filename.lastIndexOf(".") + 1);
  return FILE_TYPES.find((type) => type === extension && type !== "config") ?? "config";
}

/** Document 000's KV shape, derived from the manifest. `created_by_cli_version` is the saving client's, or null. */
export const ManifestRecord = z
  .object({
    format: z.literal(1),
    manifest_id: z.uuid(),
    user_uuid: z.string(),
    version: z.int().positive(),
    deployment_name: z.string(),
    source: z.object({ type: z.enum(["rendered", "user_upload"]), uploaded_at: z.string() }),
    files: z.array(
      z.object({
        filename: z.string(),
        type: z.enum(FILE_TYPES),
        r2_path: z.string(),
        size_bytes: z.int(),
        checksum: z.string(),
      }),
    ),
    services: z.array(
      z.object({
        name: z.string(),
        quadlet_file: z.string(),
        image: z.string().nullable(),
        ports: z.array(z.string()),
        secrets_required: z.array(z.string()),
      }),
    ),
    secrets_required: z.array(z.string()),
    volumes: z.array(z.object({ name: z.string(), mount_path: z.string().nullable(), driver: z.string() })),
    checksums: z.object({ manifest: z.string(), quadlets: z.record(z.string(), z.string()) }),
    metadata: z.object({
      total_size_bytes: z.int(),
      file_count: z.int(),
      created_by_cli_version: z.string().nullable(),
    }),
    created_at: z.string(),
  })
  .meta({ id: "ManifestRecord" });
export type ManifestRecord = z.infer<typeof ManifestRecord>;

export function manifestRecord(
  manifest: Manifest,
  of: { graph: ManifestGraph; manifestSha256: string; basePath: string; cliVersion: string | null },
): ManifestRecord {
  return {
    format: 1,
    manifest_id: manifest.manifest_id,
    user_uuid: manifest.user_uuid,
    version: manifest.version,
    deployment_name: manifest.name,
    source: { type: manifest.inputs.pack === null ? "user_upload" : "rendered", uploaded_at: manifest.created_at },
    files: manifest.files.map((file) => ({
      filename: file.filename,
      type: file.type,
      r2_path: of.basePath + file.filename,
      size_bytes: file.size,
      checksum: `sha256:${file.sha256}`,
    })),
    services: of.graph.services
      .filter(({ type }) => type === "container" || type === "pod" || type === "kube")
      .map((service) => ({
        name: service.name,
        quadlet_file: service.quadlet_file,
        image: service.image,
        ports: service.ports.map(({ text }) => text),
        secrets_required: service.secrets.map(({ name }) => name),
      })),
    secrets_required: [...new Set(manifest.secrets.map(({ name }) => name))],
    volumes: manifest.volumes.map(({ name, mount_path, driver }) => ({ name, mount_path, driver })),
    checksums: {
      manifest: `sha256:${of.manifestSha256}`,
      quadlets: Object.fromEntries(manifest.files.map((file) => [file.filename, `sha256:${file.sha256}`])),
    },
    metadata: {
      total_size_bytes: manifest.files.reduce((sum, file) => sum + file.size, 0),
      file_count: manifest.files.length,
      created_by_cli_version: of.cliVersion,
    },
    created_at: manifest.created_at,
  };
}
