import { v5 as uuidV5 } from "uuid";

/** Document 000's namespace for user uuids. */
const USER_NAMESPACE = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

/** A user's uuid is v5 of the *verified* Tailscale user id (document 000). */
export const userUuid = (tailscaleUserId: string) => uuidV5(tailscaleUserId, USER_NAMESPACE);

/** A manifest's id is v5 of what it is about, so that a redelivered message makes the same bytes. */
export const manifestId = (of: { workspaceId: string; epoch: number; version: number }) =>
  uuidV5(`${of.workspaceId}/${of.epoch}/${of.version}`, USER_NAMESPACE);
