import type { PrincipalRow } from "#core/principal.ts";
import { statement } from "#store/statement.ts";

/** Token epoch, device and membership in one row: revocation is seen by the very next request, and costs no query of its own. */
const select = statement<{ user_uuid: string; device_id: string; workspace_id: string }, PrincipalRow>(
  `SELECT u.user_uuid, u.tailscale_email AS login, u.token_epoch AS user_token_epoch,
          d.token_epoch AS device_token_epoch, d.revoked_at, d.key_thumbprint, m.role, w.epoch
   FROM users u
   LEFT JOIN devices d ON d.user_uuid = u.user_uuid AND d.device_id = :device_id
   LEFT JOIN memberships m ON m.user_uuid = u.user_uuid AND m.workspace_id = :workspace_id
   LEFT JOIN workspaces w ON w.id = m.workspace_id
   WHERE u.user_uuid = :user_uuid`,
);

export const principalStore = { select };
