import { LEASE_SECONDS } from "#core/render-job.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";

/** What stands where a purged configuration's decisions were. */
export const PURGED_CONTENT = '{"purged":true}';

/**
 * A render that held its lease when the purge was committed may still put files for as long as the lease lasts, and a little
 * more: the removal runs at once and once more after this long, and only then counts as finished.
 */
export const PURGE_GRACE_SECONDS = 2 * LEASE_SECONDS;

const BACKUP_DAYS = 30;
/** Backups are locked and expire by themselves: until then the content is in them. */
export const backupsExpireAt = (requestedAt: string) =>
  toInstant(secondsAfter(new Date(requestedAt), BACKUP_DAYS * 86_400));
