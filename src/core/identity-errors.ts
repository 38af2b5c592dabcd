import { type NoParams, row } from "#core/error-row.ts";

/** The refusals of sign-in, tokens, proofs and approvals: part of the catalogue in errors.ts. */
export const IDENTITY_ERRORS = {
  // Tokens
  token_missing: row(
    401,
    (_: NoParams) => "This route needs a token.",
    "Send Authorization: Bearer leg_…; get one with: leger auth login",
  ),
  invalid_token: row(
    401,
    (p: { detail: string }) => `The token is not accepted: ${p.detail}.`,
    "Re-authenticate with: leger auth login",
  ),
  insufficient_permissions: row(
    403,
    (p: { scope: string }) => `This token may not do that; it needs the scope ${p.scope}.`,
    "Use a token with that scope, or ask the workspace's admin.",
  ),
  token_too_wide: row(
    403,
    (p: { asked: string; own: string }) => `A token of the scope ${p.own} cannot give one of the scope ${p.asked}.`,
    "Ask for a scope that may do no more than your own.",
  ),
  token_other_device: row(
    403,
    (_: NoParams) => "A token is only given for the device that asks.",
    "Leave device_id out, or sign in on that device.",
  ),
  session_not_found: row(
    404,
    (p: { device: string }) => `None of your devices is ${p.device}.`,
    "List yours with GET /auth/sessions.",
  ),

  // Proofs (RFC 9449)
  proof_missing: row(
    401,
    (_: NoParams) => "This token is bound to a key, and the request is not signed with it.",
    "Send Authorization: DPoP leg_… and a DPoP header, as docs/design/identity.md describes.",
  ),
  proof_invalid: row(
    401,
    (p: { detail: string }) => `The DPoP proof is not accepted: ${p.detail}.`,
    "Make a new proof for this request with the device's Ed25519 key.",
  ),
  proof_mismatch: row(
    401,
    (p: { detail: string }) => `The DPoP proof is for something else: ${p.detail}.`,
    "Make a proof of its own for each request.",
  ),
  proof_key_mismatch: row(
    401,
    (_: NoParams) => "The DPoP proof is signed with another key than the token is bound to.",
    "Sign with the key that this device enrolled, or sign in again.",
  ),
  proof_clock: row(
    401,
    (p: { seconds: number }) => `The DPoP proof's time is off by ${p.seconds} seconds.`,
    "Set this machine's clock, and send a new proof.",
  ),
  proof_replayed: row(
    401,
    (_: NoParams) => "This DPoP proof was used before; nothing was done.",
    "Make a new proof, with a jti of its own, for each request.",
  ),
  use_dpop_nonce: row(
    401,
    (_: NoParams) => "The DPoP proof has no nonce of this server, or one that is too old.",
    "Make a new proof with the nonce in this answer's DPoP-Nonce header.",
  ),

  // What Tailscale says of a sign-in
  tailnet_not_configured: row(
    403,
    (p: { tailnet: string }) => `The tailnet ${p.tailnet} is not known to this server.`,
    "Ask the operator to add it to TAILSCALE_TAILNETS.",
  ),
  tailscale_unavailable: row(
    503,
    (_: NoParams) => "Tailscale's API did not answer, so the sign-in could not be checked.",
    "Try again in a minute.",
    30,
  ),
  tailscale_verification_failed: row(
    401,
    (_: NoParams) => "Unable to verify Tailscale identity. Device not found in tailnet.",
    "Check Tailscale status: tailscale status",
  ),
  tailscale_device_external: row(
    401,
    (_: NoParams) => "Unable to verify Tailscale identity. The device is shared into this tailnet from another one.",
    "Sign in through the tailnet that the device belongs to.",
  ),
  tailscale_device_tagged: row(
    401,
    (_: NoParams) => "Unable to verify Tailscale identity. A tagged device belongs to nobody.",
    "Sign in on a device of your own; for a machine, remove its tags: tailscale up --reset",
  ),
  tailscale_device_unauthorized: row(
    401,
    (_: NoParams) => "Unable to verify Tailscale identity. The device is not authorized in the tailnet.",
    "Ask the tailnet's admin to approve the machine, and sign in again.",
  ),
  tailscale_key_expired: row(
    401,
    (_: NoParams) => "Unable to verify Tailscale identity. The device's Tailscale key has expired.",
    "Renew it: tailscale up --force-reauth",
  ),
  tailscale_owner_mismatch: row(
    401,
    (_: NoParams) => "Unable to verify Tailscale identity. The device does not belong to that user.",
    "Sign in as the device's owner; tailscale status shows who that is.",
  ),
  tailscale_user_suspended: row(
    401,
    (_: NoParams) => "Unable to verify Tailscale identity. The user is suspended in the tailnet.",
    "Ask the tailnet's admin.",
  ),
  account_not_linked: row(
    401,
    (_: NoParams) => "Unable to verify Tailscale identity. The tailnet's users list has no user of that id.",
    "Log in to Tailscale again, so that the client knows your present id: tailscale login",
  ),

  // Keys and approvals
  device_key_required: row(
    403,
    (_: NoParams) => "Several people share this tailnet, so knowing a device's ids does not prove who you are.",
    "Sign in with a device key and Tailscale's id-token or an enrolment code, which your operator makes.",
  ),
  device_proof_required: row(
    403,
    (_: NoParams) => "This device has a key, and the sign-in is not signed with it.",
    "Sign in with the client that enrolled the device, or end its session from another device first.",
  ),
  approval_pending: row(
    403,
    (p: { code: string }) => `This device waits for the approval of one that is enrolled. Its code is ${p.code}.`,
    "Type that code on an enrolled device (POST /auth/devices), then sign in again within 15 minutes.",
  ),
  approval_denied: row(
    403,
    (_: NoParams) => "An enrolled device refused this sign-in.",
    "If that was a mistake, try again in 15 minutes.",
  ),
  approval_not_found: row(
    404,
    (_: NoParams) => "No sign-in waits with that code.",
    "Sign in again on the new device, and type the code that it shows.",
  ),
  approval_decided: row(
    409,
    (p: { state: string }) => `This sign-in is ${p.state} already.`,
    "Sign in again on the new device for a new decision.",
  ),
  enrolled_device_required: row(
    403,
    (_: NoParams) => "Only a device with a key may do this, and this token is bound to none.",
    "Use an enrolled device, or enrol this one: sign in with a device key.",
  ),
  code_invalid: row(
    401,
    (_: NoParams) => "The one-time code is unknown, used, expired, or somebody else's.",
    "Check it, or ask for a new one.",
  ),
  id_token_invalid: row(
    401,
    (p: { detail: string }) => `Tailscale's id-token is not accepted: ${p.detail}.`,
    "Ask tailscaled for one with the audience that docs/design/identity.md describes, and send it at once.",
  ),
  sign_in_contended: row(
    503,
    (_: NoParams) => "Other sign-ins changed this account at the same moment.",
    "Try again.",
    2,
  ),
} as const;
