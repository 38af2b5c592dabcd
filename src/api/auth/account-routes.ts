import { decideDevice } from "#actions/decide-device.ts";
import { endOtherSessions, endSession } from "#actions/end-sessions.ts";
import { makeEnrolmentCode, makeRecoveryCodes } from "#actions/make-codes.ts";
import { mintScopedToken } from "#actions/mint-scoped-token.ts";
import { listOwnDevices, listSessions } from "#actions/read-account.ts";
import { asDevice } from "#actions/read-as.ts";
import * as contract from "#api/auth/contract.ts";
import { createRoutes } from "#api/create-routes.ts";
import { toInstant } from "#core/runtime.ts";
import { schemeOf } from "#core/token.ts";
import type { DeviceRequestRow } from "#store/device-request-store.ts";
import type { SessionRow } from "#store/session-store.ts";

/** What somebody does with their own account: sessions, approvals, further tokens, codes. */
export const accountRoutes = () =>
  createRoutes()
    .openapi(contract.listSessionsRoute, async (c) => {
      const rows = await listSessions(c.get("deps"), asDevice(c.get("caller")));
      const alive = rows.filter(({ revoked_at }) => revoked_at === null);
      const sessions = alive.map((row) => sessionView(row, asDevice(c.get("caller")).deviceId));
      return c.json({ success: true as const, data: { sessions } }, 200);
    })
    .openapi(contract.endSessionRoute, async (c) => {
      const ended = await endSession(c.get("deps"), asDevice(c.get("caller")), c.req.valid("param").id);
      return c.json({ success: true as const, data: { ended } }, 200);
    })
    .openapi(contract.endOtherSessionsRoute, async (c) => {
      const ended = await endOtherSessions(c.get("deps"), asDevice(c.get("caller")));
      return c.json({ success: true as const, data: { ended } }, 200);
    })
    .openapi(contract.listOwnDevicesRoute, async (c) => {
      const { devices, waiting, recoveryCodesLeft } = await listOwnDevices(c.get("deps"), asDevice(c.get("caller")));
      const data = {
        devices: devices.map((row) => sessionView(row, asDevice(c.get("caller")).deviceId)),
        waiting: waiting.map(waitingView),
        recovery_codes_left: recoveryCodesLeft,
      };
      return c.json({ success: true as const, data }, 200);
    })
    .openapi(contract.decideDeviceRoute, async (c) => {
      const { code, decision } = c.req.valid("json");
      const decided = decision === "approve" ? ("approved" as const) : ("denied" as const);
      const request = await decideDevice(c.get("deps"), asDevice(c.get("caller")), { code, decision: decided });
      return c.json({ success: true as const, data: waitingView(request) }, 200);
    })
    .openapi(contract.mintTokenRoute, async (c) => {
      const { scope, device_id } = c.req.valid("json");
      const minted = await mintScopedToken(c.get("deps"), asDevice(c.get("caller")), {
        scope,
        deviceId: device_id ?? null,
      });
      const data = {
        token: minted.token,
        token_type: schemeOf(minted.isBound),
        scope: minted.scope,
        expires_at: toInstant(minted.expiresAt),
      };
      return c.json({ success: true as const, data }, 201);
    })
    .openapi(contract.makeRecoveryCodesRoute, async (c) => {
      const codes = await makeRecoveryCodes(c.get("deps"), asDevice(c.get("caller")));
      return c.json({ success: true as const, data: { codes } }, 201);
    })
    .openapi(contract.makeEnrolmentCodeRoute, async (c) => {
      const { login } = c.req.valid("json");
      const { code, expiresAt } = await makeEnrolmentCode(c.get("deps"), asDevice(c.get("caller")), login);
      return c.json({ success: true as const, data: { code, login, expires_at: expiresAt } }, 201);
    });

const sessionView = (row: SessionRow, currentDevice: string) => ({
  id: row.device_id,
  device_id: row.device_id,
  hostname: row.hostname,
  tailnet: row.tailnet,
  is_current: row.device_id === currentDevice,
  is_enrolled: row.key_thumbprint !== null,
  key_thumbprint: row.key_thumbprint,
  created_at: row.created_at,
  last_seen: row.last_seen,
  verified_at: row.verified_at,
  revoked_at: row.revoked_at,
  revoked_reason: row.revoked_reason,
});

const waitingView = (row: DeviceRequestRow) => ({
  request_id: row.id,
  device_id: row.device_id,
  hostname: row.hostname,
  tailnet: row.tailnet,
  address: row.address,
  has_key: row.key_thumbprint !== "",
  key_thumbprint: row.key_thumbprint,
  cli_version: row.cli_version,
  state: row.state,
  requested_at: row.requested_at,
  expires_at: row.expires_at,
});
