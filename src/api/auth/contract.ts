import { createRoute, z } from "@hono/zod-openapi";
import { answers, needs, refuses, takes } from "#api/envelope.ts";
import { LIMITS } from "#core/limits.ts";
import { PERMISSION_NAMES, type Permission, TokenScope } from "#core/permissions.ts";
import { TailscaleClaims } from "#core/tailscale.ts";

const tags = ["identity"];
const Code = z.string().min(8).max(40).openapi({ example: "7K2M-9QXD" });
const TokenType = z.enum(["Bearer", "DPoP"]).openapi({ description: "The scheme to send the token with." });

/** Unknown members are ignored: clients of later versions say more. */
const SignInRequest = z
  .object({
    tailscale: TailscaleClaims,
    cli_version: z.string().max(40).optional(),
    id_token: z
      .string()
      .max(LIMITS.id_token_chars_max.value)
      .optional()
      .openapi({ description: "Tailscale's id-token for the audience {issuer}/enrol/{nonce}/{key thumbprint}." }),
    code: Code.optional().openapi({ description: "An enrolment code of the operator's, or a recovery code." }),
  })
  .openapi("SignInRequest");

const SignInAnswer = z
  .object({
    token: z.string(),
    token_type: TokenType,
    expires_in: z.int().openapi({ description: "Seconds." }),
    user_uuid: z.uuid(),
    user: z.object({ tailscale_email: z.string(), display_name: z.string().nullable() }),
  })
  .openapi("SignInAnswer");

export const signInRoute = createRoute({
  operationId: "signIn",
  summary: "Sign a device in by its Tailscale identity, and enrol its key where the request has a DPoP proof",
  tags,
  method: "post",
  path: "/auth/cli",
  security: [],
  request: { body: takes(SignInRequest, "What tailscale status --json says of this device") },
  responses: {
    200: answers(SignInAnswer, "A token for this device, good for 30 days"),
    ...refuses(
      "request_invalid",
      "tailnet_not_configured",
      "tailscale_unavailable",
      "tailscale_verification_failed",
      "tailscale_device_external",
      "tailscale_device_tagged",
      "tailscale_device_unauthorized",
      "tailscale_key_expired",
      "tailscale_owner_mismatch",
      "tailscale_user_suspended",
      "account_not_linked",
      "device_key_required",
      "device_proof_required",
      "approval_pending",
      "approval_denied",
      "code_invalid",
      "id_token_invalid",
      "sign_in_contended",
      "proof_invalid",
      "proof_mismatch",
      "proof_clock",
      "proof_replayed",
      "use_dpop_nonce",
    ),
  },
});

const WhoAmI = z
  .object({
    user_uuid: z.uuid(),
    login: z.string(),
    device_id: z.string(),
    scope: TokenScope,
    workspace: z.object({ id: z.string(), role: z.enum(["viewer", "editor", "publisher", "admin"]), epoch: z.int() }),
    is_operator: z.boolean(),
    is_bound: z.boolean().openapi({ description: "Whether each request must prove the device's key." }),
    permissions: z.array(z.enum(PERMISSION_NAMES as [Permission, ...Permission[]])),
    expires_at: z.string(),
  })
  .openapi("WhoAmI");

export const whoAmIRoute = createRoute({
  operationId: "whoAmI",
  ...needs("self:read"),
  summary: "Who, which device and workspace this token is for, and what it may do",
  tags,
  method: "get",
  path: "/auth/whoami",
  responses: { 200: answers(WhoAmI, "The caller"), ...refuses("insufficient_permissions") },
});

const Session = z
  .object({
    id: z.string(),
    device_id: z.string(),
    hostname: z.string(),
    tailnet: z.string(),
    is_current: z.boolean(),
    is_enrolled: z.boolean(),
    key_thumbprint: z.string().nullable(),
    created_at: z.string(),
    last_seen: z.string(),
    verified_at: z.string().nullable(),
    revoked_at: z.string().nullable(),
    revoked_reason: z.string().nullable(),
  })
  .openapi("Session");

export const listSessionsRoute = createRoute({
  operationId: "listSessions",
  ...needs("account:manage"),
  summary: "List the devices that are signed in as you",
  tags,
  method: "get",
  path: "/auth/sessions",
  responses: { 200: answers(z.object({ sessions: z.array(Session) }), "Alive ones"), ...refuses() },
});

const Ended = z.object({ ended: z.array(z.string()).openapi({ description: "Ids of the sessions." }) });

export const endSessionRoute = createRoute({
  operationId: "endSession",
  ...needs("account:manage"),
  summary: "End one of your sessions: its tokens and its key",
  tags,
  method: "delete",
  path: "/auth/sessions/{id}",
  request: { params: z.object({ id: z.string().min(1).max(100) }) },
  responses: { 200: answers(Ended, "What was ended now"), ...refuses("session_not_found") },
});

export const endOtherSessionsRoute = createRoute({
  operationId: "endOtherSessions",
  ...needs("account:manage"),
  summary: "End all of your sessions but this one",
  tags,
  method: "delete",
  path: "/auth/sessions",
  responses: { 200: answers(Ended, "What was ended now"), ...refuses() },
});

const Waiting = z
  .object({
    request_id: z.uuid(),
    device_id: z.string(),
    hostname: z.string(),
    tailnet: z.string(),
    address: z.string(),
    has_key: z.boolean(),
    key_thumbprint: z.string(),
    cli_version: z.string().nullable(),
    state: z.enum(["pending", "approved", "denied", "used"]),
    requested_at: z.string(),
    expires_at: z.string(),
  })
  .openapi("WaitingSignIn");

export const listOwnDevicesRoute = createRoute({
  operationId: "listOwnDevices",
  ...needs("account:manage"),
  summary: "List your devices, and sign-ins that wait for your approval",
  tags,
  method: "get",
  path: "/auth/devices",
  responses: {
    200: answers(
      z.object({ devices: z.array(Session), waiting: z.array(Waiting), recovery_codes_left: z.int() }),
      "Revoked devices too; the codes of waiting sign-ins are on their own screens only",
    ),
    ...refuses(),
  },
});

export const decideDeviceRoute = createRoute({
  operationId: "decideDevice",
  ...needs("account:manage"),
  summary: "Approve or deny a sign-in that waits, by the code on its screen",
  tags,
  method: "post",
  path: "/auth/devices",
  request: {
    body: takes(z.strictObject({ code: Code, decision: z.enum(["approve", "deny"]) }), "The code that it shows"),
  },
  responses: {
    200: answers(Waiting, "The sign-in as it is decided"),
    ...refuses("request_invalid", "enrolled_device_required", "approval_not_found", "approval_decided"),
  },
});

export const mintTokenRoute = createRoute({
  operationId: "mintToken",
  ...needs("account:manage"),
  summary: "Make a token of no wider scope for this device, for example legerd's",
  tags,
  method: "post",
  path: "/auth/tokens",
  request: {
    body: takes(
      z.strictObject({ scope: TokenScope, device_id: z.string().min(1).max(100).optional() }),
      "device_id is this device, or left out",
    ),
  },
  responses: {
    201: answers(
      z.object({ token: z.string(), token_type: TokenType, scope: TokenScope, expires_at: z.string() }),
      "It ends with the token that made it",
    ),
    ...refuses("request_invalid", "token_too_wide", "token_other_device"),
  },
});

export const makeRecoveryCodesRoute = createRoute({
  operationId: "makeRecoveryCodes",
  ...needs("account:manage"),
  summary: "Make ten recovery codes in place of the old ones",
  tags,
  method: "post",
  path: "/auth/recovery-codes",
  responses: {
    201: answers(z.object({ codes: z.array(z.string()) }), "Shown here and never again"),
    ...refuses("enrolled_device_required"),
  },
});

export const makeEnrolmentCodeRoute = createRoute({
  operationId: "makeEnrolmentCode",
  ...needs("operator"),
  summary: "Make a code that enrols one device of a login (operator)",
  tags,
  method: "post",
  path: "/auth/enrolment-codes",
  request: {
    body: takes(z.strictObject({ login: z.string().min(1).max(200) }), "As the tailnet's users list shows it"),
  },
  responses: {
    201: answers(
      z.object({ code: z.string(), login: z.string(), expires_at: z.string() }),
      "Shown here and never again",
    ),
    ...refuses("request_invalid", "insufficient_permissions"),
  },
});
