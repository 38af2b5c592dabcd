import { createRoute, z } from "@hono/zod-openapi";
import { answers, needs, refuses } from "#api/envelope.ts";
import { VersionParam, VersionParams } from "#api/parameters.ts";
import { Finding } from "#core/finding.ts";
import { Manifest } from "#core/manifest.ts";
import { DeploymentName, Namespace, PodmanVersion } from "#core/names.ts";
import { Plan } from "#quadlet/plan/plan.ts";

const FileLink = z.object({ filename: z.string(), sha256: z.string(), size: z.int(), path: z.string() });

const RenderedConfig = z
  .object({
    deployment: z.string(),
    namespace: z.string(),
    config_id: z.uuid(),
    version: z.int(),
    epoch: z.int(),
    manifest_sha256: z.string(),
    deleted: z.boolean(),
    is_active: z.boolean().openapi({ description: "false: paused; keep what you run." }),
    manifest: Manifest.nullable(),
    files: z.array(FileLink).openapi({ description: "Stable paths, fetched with the same token." }),
  })
  .openapi("RenderedConfig");

const Links = z
  .object({
    expires_at: z.string(),
    files: z.array(z.object({ filename: z.string(), sha256: z.string(), url: z.string() })),
  })
  .openapi("Links");

const bytes = (type: string, description: string) => ({
  description,
  content: { [type]: { schema: z.string().openapi({ format: "binary" }) } },
});
const reads = [
  "version_not_found",
  "render_not_ready",
  "file_corrupt",
  "insufficient_permissions",
  "request_invalid",
] as const;
const tags = ["delivery"];

export const readLatestRoute = createRoute({
  operationId: "readLatest",
  ...needs("config:read"),
  summary: "What a device should run: poll this with If-None-Match",
  tags,
  method: "get",
  path: "/config/latest",
  request: {
    headers: z.object({ "if-none-match": z.string().max(500).optional() }),
    query: z.object({ deployment: DeploymentName.optional(), namespace: Namespace.default("/") }),
  },
  responses: {
    200: answers(RenderedConfig, "The newest rendered version, or an explicit deletion marker"),
    304: { description: "You have it already. Retry-After says when to ask again." },
    ...refuses(
      "deployment_required",
      "nothing_deployed",
      "file_corrupt",
      "insufficient_permissions",
      "request_invalid",
    ),
  },
});

export const readRenderedRoute = createRoute({
  operationId: "readRendered",
  ...needs("config:read"),
  summary: "A rendered version: manifest and file paths",
  tags,
  method: "get",
  path: "/config/{version}",
  request: { params: VersionParams },
  responses: { 200: answers(RenderedConfig, "The render"), ...refuses(...reads) },
});

export const readFileRoute = createRoute({
  operationId: "readFile",
  ...needs("config:read"),
  summary: "One file of a render; manifest.json is one of them",
  tags,
  method: "get",
  path: "/config/{version}/files/{file}",
  request: { params: VersionParams.extend({ file: z.string().min(1).max(128) }) },
  responses: {
    200: bytes("application/octet-stream", "The bytes, verified; ETag is their sha256"),
    304: { description: "You have them." },
    ...refuses(...reads, "file_not_found"),
  },
});

export const makeLinksRoute = createRoute({
  operationId: "makeLinks",
  ...needs("config:read"),
  summary: "Signed links to a render's files, good for ten minutes",
  tags,
  method: "post",
  path: "/config/{version}/links",
  request: { params: VersionParams },
  responses: { 200: answers(Links, "Links that need no token"), ...refuses(...reads) },
});

export const followLinkRoute = createRoute({
  operationId: "followLink",
  summary: "A file by a signed link",
  tags,
  method: "get",
  path: "/links/{workspace}/{version}/{file}",
  security: [],
  request: {
    params: z.object({ workspace: z.string().max(64), version: VersionParam, file: z.string().min(1).max(128) }),
    query: z.object({
      expires: z.coerce.number().int().nonnegative().openapi({ type: "integer" }),
      signature: z.string().max(128),
    }),
  },
  responses: {
    200: bytes("application/octet-stream", "The bytes, verified"),
    ...refuses(
      "link_expired",
      "link_invalid",
      "file_not_found",
      "version_not_found",
      "file_corrupt",
      "request_invalid",
    ),
  },
});

export const readBundleRoute = createRoute({
  operationId: "readBundle",
  ...needs("config:read"),
  summary: "A render as one tar.gz",
  tags,
  method: "get",
  path: "/config/{version}/bundle",
  request: { params: VersionParams },
  responses: {
    200: bytes("application/gzip", "Every file and the manifest, usable without Leger"),
    ...refuses(...reads),
  },
});

export const readPlanRoute = createRoute({
  operationId: "readPlan",
  ...needs("config:read"),
  summary: "What installing this version over another does: data risks first, then steps with reasons",
  tags,
  method: "get",
  path: "/config/{version}/plan",
  request: { params: VersionParams, query: z.object({ from: VersionParam.optional() }) },
  responses: { 200: answers(Plan, "Without from: a first installation"), ...refuses(...reads) },
});

const Verdict = z.object({
  starts: z.boolean().openapi({ description: "No error: nothing is known that would keep a unit from starting." }),
  findings: z.array(Finding),
});

const RenderCheck = z
  .object({
    podman_target: z.string().openapi({ description: "What the version was rendered for." }),
    podman: z.string(),
    as_rendered: Verdict.openapi({ description: "The files as they are, on that Podman." }),
    as_target: Verdict.openapi({
      description: "What a version of the same decisions with that target would say; keys may be written for it.",
    }),
  })
  .openapi("RenderCheck");

export const checkRenderRoute = createRoute({
  operationId: "checkRender",
  ...needs("config:read"),
  summary: "What would break on another Podman, without rendering anew",
  tags,
  method: "get",
  path: "/config/{version}/check",
  request: { params: VersionParams, query: z.object({ podman: PodmanVersion.optional() }) },
  responses: { 200: answers(RenderCheck, "Without podman: on the version's own target"), ...refuses(...reads) },
});

export const readQuadletsRoute = createRoute({
  operationId: "readQuadlets",
  ...needs("config:read"),
  summary: "A render's units as one file for podman quadlet install (Podman 5.8)",
  tags,
  method: "get",
  path: "/config/{version}/quadlets",
  request: { params: VersionParams },
  responses: {
    200: bytes("text/plain", "Units, separated by ---; x-leger-left-out names the files that are no units"),
    ...refuses(...reads),
  },
});
