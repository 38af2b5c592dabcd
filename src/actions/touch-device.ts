import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { userStore } from "#store/user-store.ts";

/** At most one write per device and this long, whatever a device polls. */
const LAST_SEEN_SECONDS = 300;

export async function touchDevice({ db, clock }: Deps, of: { userUuid: string; deviceId: string }): Promise<void> {
  const now = clock.now();
  await userStore.touchDevice
    .bind(db, {
      user_uuid: of.userUuid,
      device_id: of.deviceId,
      now: toInstant(now),
      stale_before: toInstant(secondsAfter(now, -LAST_SEEN_SECONDS)),
    })
    .run();
}

export const isStale = (lastSeen: string, now: Date) => lastSeen < toInstant(secondsAfter(now, -LAST_SEEN_SECONDS));
