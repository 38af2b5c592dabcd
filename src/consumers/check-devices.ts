import { listTailnet } from "#actions/ask-tailscale.ts";
import { causeText } from "#core/log.ts";
import { toInstant } from "#core/runtime.ts";
import { type RevocationReason, type TailnetLists, whyRevoke } from "#core/tailscale.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { deviceRequestStore } from "#store/device-request-store.ts";
import { oneTimeCodeStore } from "#store/one-time-code-store.ts";
import { proofStore } from "#store/proof-store.ts";
import { type ListedDevice, sessionStore } from "#store/session-store.ts";

const PAGE = 100;
/** Revocations of one batch, two statements each. */
const REVOKED_PER_BATCH = 25;
/** Rows of each kind that one run clears away; the next hour takes more. */
const EXPIRED_MAX = 5000;

/**
 * Every hour: ends the tokens of devices that their tailnet no longer vouches for. Each tailnet is listed once; a list that
 * did not arrive whole revokes nothing, and one tailnet's failure is not another's. Interrupted anywhere, the next hour
 * does the rest: a device that is revoked already is not looked at again.
 */
export async function checkDevices(deps: Deps): Promise<void> {
  const { settings, log } = deps;
  for (const [name, tailnet] of Object.entries(settings.TAILSCALE_TAILNETS)) {
    try {
      const count = await checkTailnet(deps, name, tailnet);
      if (count > 0) log("devices.revoked", { count });
    } catch (cause) {
      log("devices.unchecked", { cause: causeText(cause) });
    }
  }
  await clearExpired(deps);
}

async function checkTailnet(
  deps: Deps,
  name: string,
  settings: Deps["settings"]["TAILSCALE_TAILNETS"][string],
): Promise<number> {
  const listedAt = toInstant(deps.clock.now());
  const lists = await listTailnet(deps, { name, settings });
  let count = 0;
  let after = { after_user: "", after_device: "" };
  for (;;) {
    const page = await sessionStore.selectOfTailnet.all(deps.db, { tailnet: name, ...after, limit: PAGE });
    const against = judge(page, lists, deps.clock.now());
    for (let start = 0; start < against.length; start += REVOKED_PER_BATCH)
      await revoke(deps, against.slice(start, start + REVOKED_PER_BATCH), listedAt);
    count += against.length;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return count;
    after = { after_user: last.user_uuid, after_device: last.device_id };
  }
}

type Judged = { device: ListedDevice; reason: RevocationReason };

function judge(page: readonly ListedDevice[], lists: TailnetLists, now: Date): Judged[] {
  return page.flatMap((device) => {
    const reason = whyRevoke({ deviceId: device.device_id, login: device.login }, lists, now);
    return reason ? [{ device, reason }] : [];
  });
}

async function revoke({ db, clock, ids }: Deps, judged: readonly Judged[], listed_at: string): Promise<void> {
  const now = toInstant(clock.now());
  const statements = await Promise.all(
    judged.map(async ({ device: { user_uuid, device_id }, reason }) => {
      const change_id = ids.uuid();
      const entry = {
        id: change_id,
        workspaceId: user_uuid,
        at: now,
        actor: "system:tailscale",
        action: "device.revoked" as const,
        target: `device:${device_id}`,
        payload: { reason },
      };
      return [
        sessionStore.revokeUnlessVerified.bind(db, { user_uuid, device_id, reason, listed_at, now, change_id }),
        await auditStore.forDevice(db, entry, { user_uuid, device_id }),
      ];
    }),
  );
  await db.batch(statements.flat());
}

async function clearExpired({ db, clock }: Deps): Promise<void> {
  const of = { now: toInstant(clock.now()), limit: EXPIRED_MAX };
  await db.batch([
    proofStore.removeExpired.bind(db, of),
    deviceRequestStore.removeExpired.bind(db, of),
    oneTimeCodeStore.removeExpired.bind(db, of),
  ]);
}
