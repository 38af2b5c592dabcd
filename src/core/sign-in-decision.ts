import { type Result, err, ok } from "#core/result.ts";

/** What a sign-in brings besides claims that Tailscale confirmed. */
export type SignInOffer = {
  /** Thumbprint of the key that signed the request's proof; null for a client without keys. */
  thumbprint: string | null;
  /** A one-time code that was found, unused and meant for this user. */
  code: "enrolment" | "recovery" | null;
  /** Tailscale's signed id-token held, for this very key. */
  hasIdToken: boolean;
};

/** What is stored about the account, this device, and this asker's request for approval. */
export type SignInState = {
  isEnrolled: boolean;
  deviceThumbprint: string | null;
  request: "pending" | "approved" | "denied" | null;
};

export type SignInVerdict =
  /** The device's own key: tokens are bound to it. */
  | { kind: "known_key"; thumbprint: string }
  /** A new key becomes the device's, and `by` says on whose word. */
  | { kind: "enrol"; thumbprint: string; by: "claims" | "id_token" | "enrolment" | "recovery" | "approval" }
  /** A token without a key: the account has none yet, or an enrolled device said yes. */
  | { kind: "unbound"; by: "claims" | "approval" };

export type SignInRefusal = "device_key_required" | "device_proof_required" | "approval_pending" | "approval_denied";

/**
 * Who gets in. The ids in a sign-in are visible to every peer of the tailnet, so they decide alone only where there is
 * nobody else (`claimsSuffice`) and only until the account has its first key. From then on every new key, and every client
 * without one, needs the word of somebody who has one: an enrolled device, a recovery code, or the operator.
 */
export function decideSignIn(
  offer: SignInOffer,
  state: SignInState,
  claimsSuffice: boolean,
): Result<SignInVerdict, SignInRefusal> {
  const { thumbprint } = offer;
  if (thumbprint === null) return decideWithoutKey(state, claimsSuffice);
  if (thumbprint === state.deviceThumbprint) return ok({ kind: "known_key", thumbprint });
  const enrol = (by: Extract<SignInVerdict, { kind: "enrol" }>["by"]) => ok({ kind: "enrol" as const, thumbprint, by });
  if (offer.code) return enrol(offer.code);
  if (!state.isEnrolled) {
    if (offer.hasIdToken) return enrol("id_token");
    return claimsSuffice ? enrol("claims") : err("device_key_required");
  }
  return state.request === "approved" ? enrol("approval") : err(waiting(state));
}

function decideWithoutKey(state: SignInState, claimsSuffice: boolean): Result<SignInVerdict, SignInRefusal> {
  if (state.deviceThumbprint !== null) return err("device_proof_required");
  if (!state.isEnrolled) return claimsSuffice ? ok({ kind: "unbound", by: "claims" }) : err("device_key_required");
  return state.request === "approved" ? ok({ kind: "unbound", by: "approval" }) : err(waiting(state));
}

const waiting = ({ request }: SignInState): SignInRefusal =>
  request === "denied" ? "approval_denied" : "approval_pending";
