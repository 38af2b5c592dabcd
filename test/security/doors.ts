import { formBytes } from "../upload-form.ts";
import type { Site } from "./site.ts";

/**
 * How to knock at an operation so that the owner of `site` is let in: what is sent, and what the owner is answered. What
 * everybody else is answered follows from it and from the operation's permission (security.test.ts).
 */
export type Door = {
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** The owner's status. */
  owner: number;
  /** A stranger's, where it is not 404 for something of the owner's and the owner's status for something of their own. */
  stranger?: number;
  /** What everybody with a signed token is answered, revoked or not: the token itself lacks what this needs. */
  unbound?: number;
};

const any = { "if-match": "*" };
const config_data = { web: { port: 90 } };
const FORM = {
  body: new TextDecoder().decode(
    formBytes([{ name: "web.container", content: "[Container]\nImage=docker.io/library/caddy:2.8-alpine\n" }]),
  ),
  headers: { "content-type": "multipart/form-data; boundary=leger-test-boundary" },
};

export const DOORS: Record<string, (site: Site) => Door> = {
  listConfigurations: () => ({ path: "/configurations?deleted=true", owner: 200 }),
  createConfiguration: ({ slug }) => ({
    path: "/configurations",
    body: { deployment_name: "new", pack: slug, config_data },
    owner: 202,
  }),
  readConfiguration: () => ({ path: "/configurations/site", owner: 200 }),
  saveConfiguration: () => ({ path: "/configurations/site", body: { config_data }, headers: any, owner: 202 }),
  deleteConfiguration: () => ({ path: "/configurations/site", headers: any, owner: 200 }),
  listVersions: () => ({ path: "/configurations/site/versions", owner: 200 }),
  readVersion: () => ({ path: "/configurations/site/versions/1", owner: 200 }),
  readProvenance: () => ({ path: "/configurations/site/versions/1/provenance?file=greeting.txt", owner: 200 }),
  diffVersion: () => ({ path: "/configurations/site/versions/2/diff?against=1", owner: 200 }),
  previewConfiguration: ({ slug }) => ({
    path: "/configurations/site/preview",
    body: { config_data, pack: slug },
    owner: 200,
    stranger: 200, // a name that is free in their own workspace
  }),
  rollbackConfiguration: () => ({
    path: "/configurations/site/rollback",
    body: { to: 1 },
    headers: any,
    owner: 202,
  }),
  previewRollback: () => ({ path: "/configurations/site/rollback/preview", body: { to: 1 }, owner: 200 }),
  restoreConfiguration: () => ({ path: "/configurations/gone/restore", body: {}, owner: 202 }),
  purgeConfiguration: () => ({ path: "/configurations/gone/purge", body: { confirm: "gone" }, owner: 202 }),
  readPurge: ({ purgedId }) => ({ path: `/purges/${purgedId}`, owner: 200 }),
  readLatest: () => ({ path: "/config/latest?deployment=site", owner: 200, stranger: 404 }),
  readRendered: () => ({ path: "/config/2", owner: 200 }),
  readFile: () => ({ path: "/config/2/files/greeting.txt", owner: 200 }),
  makeLinks: () => ({ path: "/config/2/links", body: {}, owner: 200 }),
  readBundle: () => ({ path: "/config/2/bundle", owner: 200 }),
  readPlan: () => ({ path: "/config/2/plan?from=1", owner: 200 }),
  checkRender: () => ({ path: "/config/2/check", owner: 200 }),
  readQuadlets: () => ({ path: "/config/2/quadlets", owner: 200 }),
  readRender: () => ({ path: "/renders/2", owner: 200 }),
  retryRender: () => ({ path: "/renders/7/retry", body: {}, owner: 202 }),
  listSchemas: () => ({ path: "/schemas", owner: 200 }),
  readSchema: ({ slug }) => ({ path: `/schemas/v1.0.0?pack=${slug}`, owner: 200, stranger: 200 }),
  listDevices: () => ({ path: "/devices", owner: 200 }),
  describeDevice: () => ({ path: "/devices/d1", body: { podman_version: "5.5.0" }, owner: 200, stranger: 200 }),
  listDeployments: () => ({ path: "/deployments", owner: 200 }),
  listDeploymentEvents: () => ({ path: "/deployments/events", owner: 200 }),
  reportDeployment: ({ manifest }) => ({
    path: "/deployments/report",
    body: { boot_id: crypto.randomUUID(), sequence: 1, version: 2, manifest_sha256: manifest, state: "fetched" },
    owner: 200,
    stranger: 404,
  }),
  listAudit: () => ({ path: "/audit", owner: 200 }),
  verifyAudit: () => ({ path: "/audit/verify", owner: 200 }),
  exportAudit: () => ({ path: "/audit/export", owner: 200 }),
  exportWorkspace: () => ({ path: "/export", owner: 200 }),
  listSecrets: () => ({ path: "/secrets/list", owner: 200 }),
  readSecret: () => ({ path: "/secrets/get/kept", owner: 200 }),
  describeSecret: () => ({ path: "/secrets/kept", owner: 200 }),
  setSecret: () => ({ path: "/secrets/set", body: { name: "new", value: "v" }, owner: 201 }),
  generateSecret: () => ({ path: "/secrets/generate", body: { name: "made" }, owner: 201 }),
  deleteSecret: () => ({ path: "/secrets/kept", owner: 200 }),
  undeleteSecret: () => ({ path: "/secrets/gone/undelete", body: {}, owner: 200 }),
  purgeSecret: () => ({ path: "/secrets/gone/purge", body: {}, owner: 200 }),
  listNeededSecrets: () => ({ path: "/configurations/site/secrets", owner: 200 }),
  listProposals: () => ({ path: "/proposals", owner: 200 }),
  // the site has none: whoever asks learns no more than that
  acceptProposal: () => ({ path: "/proposals/2f0c8f5e-6a5e-4a53-9a3e-3f5a3c1d7b10/accept", body: {}, owner: 404 }),
  dismissProposal: () => ({ path: "/proposals/2f0c8f5e-6a5e-4a53-9a3e-3f5a3c1d7b10/dismiss", body: {}, owner: 404 }),
  createGenerator: () => ({ path: "/generators", body: { name: "more", scopes: ["config:read"] }, owner: 201 }),
  listGenerators: () => ({ path: "/generators?deleted=true", owner: 200 }),
  readGenerator: ({ generatorId }) => ({ path: `/generators/${generatorId}`, owner: 200 }),
  previewCascade: ({ generatorId }) => ({ path: `/generators/${generatorId}/cascade`, owner: 200 }),
  rotateGenerator: ({ generatorId }) => ({ path: `/generators/${generatorId}/rotate`, body: {}, owner: 200 }),
  deleteGenerator: ({ generatorId }) => ({ path: `/generators/${generatorId}`, owner: 200 }),
  restoreGenerator: ({ deletedGeneratorId }) => ({
    path: `/generators/${deletedGeneratorId}/restore`,
    body: {},
    owner: 200,
  }),
  uploadConfiguration: () => ({ path: "/config/upload?deployment=uploaded", ...FORM, owner: 202 }),
  previewUpload: () => ({ path: "/config/upload/preview?deployment=uploaded", ...FORM, owner: 200 }),
  whoAmI: () => ({ path: "/auth/whoami", owner: 200 }),
  listSessions: () => ({ path: "/auth/sessions", owner: 200 }),
  endSession: ({ sessionId }) => ({ path: `/auth/sessions/${sessionId}`, owner: 200 }),
  endOtherSessions: () => ({ path: "/auth/sessions", owner: 200 }),
  listOwnDevices: () => ({ path: "/auth/devices", owner: 200 }),
  // The owner's device has no key, so it may approve none and hold no recovery codes.
  decideDevice: () => ({
    path: "/auth/devices",
    body: { code: "AAAA-AAAA-AAAA-AAAA", decision: "approve" },
    owner: 403,
    unbound: 403,
  }),
  mintToken: () => ({ path: "/auth/tokens", body: { scope: "legerd" }, owner: 201 }),
  makeRecoveryCodes: () => ({ path: "/auth/recovery-codes", body: {}, owner: 403, unbound: 403 }),
  // The owner of a workspace is no operator.
  makeEnrolmentCode: () => ({
    path: "/auth/enrolment-codes",
    body: { login: "somebody@example.com" },
    owner: 403,
    stranger: 403,
  }),
  // the site's version was put there by hand: it has no job, and nobody is refused
  readImpact: ({ slug }) => ({ path: `/schemas/v1.0.0/impact?pack=${slug}`, owner: 200, stranger: 200 }),
  requestImpact: ({ slug }) => ({ path: `/schemas/v1.0.0/impact?pack=${slug}`, body: {}, owner: 403, stranger: 403 }),
  previewSchema: ({ slug }) => ({
    path: `/schemas/preview?version=v9.9.9&pack=${slug}`,
    body: "no archive",
    headers: { "content-type": "application/gzip" },
    owner: 403,
    stranger: 403,
  }),
  syncSchemas: () => ({ path: "/schemas/sync", body: {}, owner: 403, stranger: 403 }),
  startKeyRotation: () => ({ path: "/operations/key-rotations", body: { kind: "rewrap" }, owner: 403, stranger: 403 }),
  listKeyRotations: () => ({ path: "/operations/key-rotations", owner: 403, stranger: 403 }),
  readKeyRotation: () => ({
    path: `/operations/key-rotations/${crypto.randomUUID()}`,
    owner: 403,
    stranger: 403,
  }),
};

/** Operations that ask for no token, and what stands in its place. */
export const OPEN: Record<string, string> = {
  health: "says only that the worker answers",
  ready: "counts over all tenants, and names none",
  jwks: "public keys",
  signIn: "the way to a token; identity.test.ts and rate-limits.test.ts attack it",
  githubWebhook: "an HMAC over the raw bytes; the webhook's own tests attack it",
  followLink: "a signature over workspace, version, file and time; owasp/api1 attacks it",
};
