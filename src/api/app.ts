import { OpenAPIHono } from "@hono/zod-openapi";
import { auditRoutes } from "#api/audit/routes.ts";
import { accountRoutes } from "#api/auth/account-routes.ts";
import { authRoutes } from "#api/auth/routes.ts";
import { type DeclaredPermissions, authenticate } from "#api/authenticate.ts";
import { boundedBody } from "#api/bounded-body.ts";
import { boundedHead } from "#api/bounded-head.ts";
import { fileRoutes } from "#api/config/file-routes.ts";
import { uploadRoutes } from "#api/config/upload-routes.ts";
import { configRoutes } from "#api/config/routes.ts";
import { comparisonRoutes } from "#api/configurations/comparison-routes.ts";
import { deletionRoutes } from "#api/configurations/deletion-routes.ts";
import { configurationRoutes } from "#api/configurations/routes.ts";
import { versionRoutes } from "#api/configurations/version-routes.ts";
import type { ApiEnv } from "#api/context.ts";
import { crossOrigin } from "#api/cross-origin.ts";
import { toAppError, toEnvelope } from "#api/envelope.ts";
import { deploymentRoutes } from "#api/deployments/routes.ts";
import { deviceRoutes } from "#api/devices/routes.ts";
import { generatorRoutes } from "#api/generators/routes.ts";
import { type DepsFrom, handleRequest } from "#api/handle-request.ts";
import { shieldRequests } from "#api/limit-requests.ts";
import { exportRoutes } from "#api/export/routes.ts";
import { challenge } from "#api/prove-key.ts";
import { machineRoutes } from "#api/machine/routes.ts";
import { operationRoutes } from "#api/operations/routes.ts";
import { proposalRoutes } from "#api/proposals/routes.ts";
import { referencePage } from "#api/reference-page.ts";
import { renderRoutes } from "#api/renders/routes.ts";
import { impactRoutes } from "#api/schemas/impact-routes.ts";
import { schemaRoutes } from "#api/schemas/routes.ts";
import { secretFactRoutes } from "#api/secrets/fact-routes.ts";
import { secretRoutes } from "#api/secrets/routes.ts";
import { secureAnswers } from "#api/secure-answers.ts";
import { webhookRoutes } from "#api/webhooks/routes.ts";
import { AppError } from "#core/errors.ts";
import { causeText, logTo } from "#core/log.ts";
import type { Permission } from "#core/permissions.ts";
import type { Deps } from "#deps.ts";

const INFO = {
  openapi: "3.1.0",
  info: {
    title: "Leger",
    version: "0.2.0",
    description: "Decisions in, verified Podman Quadlet files out. Every refusal has a code, a sentence and an action.",
  },
  security: [{ token: [] }],
};

/** Every resource; the order is that of /docs. */
const ROUTES = [
  machineRoutes,
  authRoutes,
  accountRoutes,
  configurationRoutes,
  versionRoutes,
  comparisonRoutes,
  deletionRoutes,
  uploadRoutes,
  configRoutes,
  fileRoutes,
  renderRoutes,
  schemaRoutes,
  impactRoutes,
  generatorRoutes,
  secretRoutes,
  webhookRoutes,
  proposalRoutes,
  auditRoutes,
  exportRoutes,
  deviceRoutes,
  deploymentRoutes,
  secretFactRoutes,
  operationRoutes,
];

/** Builds the HTTP API. `depsFrom` is called once per request, so that tests can give their own. */
export function createApi(depsFrom: DepsFrom) {
  const api = new OpenAPIHono<ApiEnv>();
  api.use(secureAnswers, handleRequest(depsFrom), boundedHead, crossOrigin);
  let declared: DeclaredPermissions | undefined;
  api.use(
    authenticate(() => (declared ??= declaredPermissions(api))),
    shieldRequests,
    boundedBody,
  );

  for (const routes of ROUTES) api.route("/", routes());
  api.openAPIRegistry.registerComponent("securitySchemes", "token", {
    type: "http",
    scheme: "bearer",
    description:
      "A token from POST /auth/cli, `leg_…`. One that is bound to a key is sent as `DPoP`, with a proof (RFC 9449).",
  });
  api.get("/openapi.json", (c) => c.json(api.getOpenAPI31Document(INFO)));
  api.get("/docs", referencePage);
  api.get("/docs/*", referencePage);
  api.notFound((c) => {
    throw AppError.of("route_not_found", { path: `${c.req.method} ${c.req.path}` });
  });
  api.onError(async (cause, c) => {
    const error = toAppError(cause);
    // without settings there are no dependencies: then the log line is all there is to say it
    const log = (c.get("deps") as Deps | undefined)?.log ?? logTo((line) => console.log(line));
    if (error.status >= 500)
      log("request.failed", {
        request_id: c.get("requestId"),
        code: error.code,
        cause: causeText(error.cause ?? error),
      });
    if (error.retryAfterSeconds !== null) c.header("retry-after", String(error.retryAfterSeconds));
    if (error.status === 401) await challenge(c, error);
    return c.json(toEnvelope(error, c.env.DOCS_URL), error.status);
  });
  return api;
}

/** `x-permission` of every operation, by method and Hono's own spelling of the path. */
export function declaredPermissions(api: OpenAPIHono<ApiEnv>): DeclaredPermissions {
  const declared = new Map<string, Permission>();
  for (const definition of api.openAPIRegistry.definitions) {
    if (definition.type !== "route") continue;
    const { method, path } = definition.route;
    const permission = definition.route["x-permission"] as Permission | undefined;
    if (permission) declared.set(`${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`, permission);
  }
  return declared;
}

export const openApiDocument = (api: ReturnType<typeof createApi>) => api.getOpenAPI31Document(INFO);
