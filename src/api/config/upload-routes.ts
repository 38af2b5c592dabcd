import { previewUpload, uploadConfiguration } from "#actions/upload-configuration.ts";
import { readUpload } from "#api/config/read-upload.ts";
import * as contract from "#api/config/upload-contract.ts";
import { previewView } from "#api/configurations/preview-view.ts";
import { etag, savedView } from "#api/configurations/saved-view.ts";
import { createRoutes } from "#api/create-routes.ts";
import { requireIfMatch } from "#api/parameters.ts";

const success = <T>(data: T) => ({ success: true as const, data });

/** Finished files instead of decisions (v0.1.0). */
export const uploadRoutes = () =>
  createRoutes()
    .openapi(contract.uploadConfigurationRoute, async (c) => {
      const headers = c.req.valid("header");
      const { deployment, namespace, podman_target, force } = c.req.valid("query");
      const saved = await uploadConfiguration(c.get("deps"), c.get("caller"), {
        name: { deployment_name: deployment, namespace },
        podmanTarget: podman_target ?? null,
        force: force === "true",
        ifMatch: headers["if-match"] === undefined ? null : requireIfMatch(headers["if-match"]),
        key: headers["idempotency-key"],
        cliVersion: headers["x-leger-cli-version"] ?? null,
        readFiles: () => readUpload(c.req.raw),
      });
      c.header("etag", etag(saved.version.version));
      return saved.unchanged ? c.json(success(savedView(saved)), 200) : c.json(success(savedView(saved)), 202);
    })
    .openapi(contract.previewUploadRoute, async (c) => {
      const { deployment, namespace, podman_target, force } = c.req.valid("query");
      const preview = await previewUpload(c.get("deps"), c.get("caller"), {
        name: { deployment_name: deployment, namespace },
        podmanTarget: podman_target ?? null,
        force: force === "true",
        readFiles: () => readUpload(c.req.raw),
      });
      return c.json(success(previewView(preview)), 200);
    });
