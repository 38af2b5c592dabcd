import type { Verification } from "#actions/verify-device.ts";
import type { Proof } from "#core/proof.ts";
import type { TailscaleClaims } from "#core/tailscale.ts";

export type SignInAttempt = {
  claims: TailscaleClaims;
  cliVersion: string | null;
  /** Where the request comes from, as the edge says; "" where it does not. */
  address: string;
  /** The key that signed the request (a DPoP proof); null for a client without keys. */
  proof: Proof | null;
  /** Tailscale's id-token with `enrolmentAudience`; for an account's first key. */
  idToken: string | null;
  /** A recovery code of the user's, or an enrolment code of the operator's. */
  code: string | null;
};

/** An attempt with what was found out about it outside of the database. */
export type SignInRound = { attempt: SignInAttempt; verification: Verification; hasIdToken: boolean };

export type DeviceIds = { user_uuid: string; device_id: string };

/** An approval is for a key, or for a client without one at the address that it called from. */
export const askerOf = ({ proof, address }: SignInAttempt, ids: DeviceIds) => ({
  user_uuid: ids.user_uuid,
  device_id: ids.device_id,
  key_thumbprint: proof?.thumbprint ?? "",
  address: proof ? "" : address,
});
