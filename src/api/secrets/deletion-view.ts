import { RESTORABLE_SECONDS } from "#actions/delete-secret.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { SecretRow } from "#store/secret-store.ts";

const restorableUntil = ({ deleted_at, purged_at }: SecretRow) =>
  deleted_at === null || purged_at !== null ? null : toInstant(secondsAfter(new Date(deleted_at), RESTORABLE_SECONDS));

export const deletionView = (row: SecretRow) => ({
  deleted_at: row.deleted_at,
  restorable_until: restorableUntil(row),
  purged_at: row.purged_at,
});
/** Of a row that is deleted. */
export const deletedView = (row: SecretRow) => ({ ...deletionView(row), deleted_at: row.deleted_at ?? row.updated_at });
