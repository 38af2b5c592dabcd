import { createRoute, z } from "@hono/zod-openapi";
import { Preview } from "#api/configurations/comparison-contract.ts";
import { Saved, unauthorised } from "#api/configurations/contract.ts";
import { answers, needs, refuses } from "#api/envelope.ts";
import { SaveHeaders } from "#api/parameters.ts";
import { DeploymentName, Namespace, PodmanTarget } from "#core/names.ts";

const UploadQuery = z.object({
  deployment: DeploymentName,
  namespace: Namespace.default("/"),
  podman_target: PodmanTarget.optional().openapi({ description: "Default: what it had, or 5.4." }),
  force: z
    .enum(["true", "false"])
    .default("false")
    .openapi({ description: "true: store units that would not start all the same." }),
});

// Described, and not given to the validator: that would read the form as a whole (read-upload.ts reads the stream).
const files = {
  required: true,
  content: {
    "multipart/form-data": {
      schema: {
        type: "object" as const,
        properties: {
          files: {
            type: "array" as const,
            items: { type: "string" as const, format: "binary" },
            description: "One part per file, with its filename; the header X-Checksum-Sha256 of a part is checked.",
          },
          sha256sums: { type: "string" as const, description: "Lines as the program sha256sum writes them." },
        },
      },
    },
  },
};

const tags = ["configurations"];
const refusals = [
  ...unauthorised,
  "upload_malformed",
  "upload_name_invalid",
  "upload_checksum_mismatch",
  "upload_file_too_large",
  "upload_too_large",
  "upload_too_many_files",
] as const;

export const uploadConfigurationRoute = createRoute({
  operationId: "uploadConfiguration",
  ...needs("config:write"),
  summary: "Upload finished files as a version; If-Match is needed where the deployment exists",
  tags,
  method: "post",
  path: "/config/upload",
  request: { headers: SaveHeaders, query: UploadQuery, body: files },
  responses: {
    200: answers(Saved, "Equal to the newest version: nothing was saved"),
    202: answers(Saved, "Stored; the consumer places the files"),
    ...refuses(
      ...refusals,
      "upload_refused",
      "configuration_not_found",
      "deployment_name_taken",
      "idempotency_key_reused",
      "precondition_required",
      "precondition_malformed",
      "version_conflict",
      "write_contended",
    ),
  },
});

export const previewUploadRoute = createRoute({
  operationId: "previewUpload",
  ...needs("config:write"),
  summary: "See what an upload would do; nothing is stored",
  tags,
  method: "post",
  path: "/config/upload/preview",
  request: { query: UploadQuery, body: files },
  responses: { 200: answers(Preview, "What would be shipped, and done on devices"), ...refuses(...refusals) },
});
