import { readAs, refusal, requireDeclared } from "#actions/read-as.ts";
import { isStale, touchDevice } from "#actions/touch-device.ts";
import { AppError } from "#core/errors.ts";
import { coversNamespace } from "#core/generator.ts";
import { causeText } from "#core/log.ts";
import { Manifest } from "#core/manifest.ts";
import { type Caller, type DeviceCaller, decidePrincipal } from "#core/principal.ts";
import type { Deps } from "#deps.ts";
import { toInstant } from "#core/runtime.ts";
import { configurationStore } from "#store/configuration-store.ts";
import { deploymentStore } from "#store/deployment-store.ts";
import { MANIFEST_FILE, renderPrefix } from "#store/render-files.ts";
import { type LatestRow, type PollRow, renderStore } from "#store/render-store.ts";
import { readVerified } from "#actions/read-render.ts";

/** Seconds until a device should ask again: soon while something newer is on its way. */
const POLL_SECONDS = 300;
const POLL_SECONDS_PENDING = 30;

export type Latest = {
  etag: string;
  pollSeconds: number;
  deployment: {
    name: string;
    namespace: string;
    configId: string;
    isActive: boolean;
    epoch: number;
    version: number;
    digest: string;
  };
  /** `deleted`: an explicit marker. The manifest is null then, and when the caller has this very version already. */
  state: "not_modified" | "deleted" | "current";
  manifest: Manifest | null;
};

/**
 * What a device polls. One query answers whether the token holds, which deployment is meant and what its head is; a 304
 * reads nothing more and writes nothing, but for `last_seen` once in five minutes, after the answer.
 */
export async function readLatest(
  deps: Deps,
  caller: Caller,
  { deployment, namespace, ifNoneMatch }: { deployment: string | null; namespace: string; ifNoneMatch: string | null },
): Promise<Latest> {
  const { row, device, namespaces } = await readRow(deps, caller, { namespace, deployment_name: deployment });
  if (device && row.device_last_seen !== null && isStale(row.device_last_seen, deps.clock.now()))
    deps.after(
      touchDevice(deps, device).catch((cause: unknown) => deps.log("device.untouched", { cause: causeText(cause) })),
    );
  if (deployment === null && row.names_ever > 1) throw await ambiguous(deps, caller, namespaces);
  const head = headOf(row);
  if (!head) throw AppError.of("nothing_deployed", {});

  const etag = `"${head.epoch}.${head.version}.${head.digest.slice(0, 16)}"`;
  const answer = { etag, pollSeconds: row.is_pending === 1 ? POLL_SECONDS_PENDING : POLL_SECONDS, deployment: head };
  if (ifNoneMatch !== null && matches(ifNoneMatch, etag)) return { ...answer, state: "not_modified", manifest: null };
  if (device)
    deps.after(
      noteAssigned(deps, device, head).catch((cause: unknown) =>
        deps.log("device.untouched", { cause: causeText(cause) }),
      ),
    );
  if (row.deleted === 1) return { ...answer, state: "deleted", manifest: null };
  const bytes = await readVerified(deps, {
    key: renderPrefix(caller.workspaceId, head.version) + MANIFEST_FILE,
    file: MANIFEST_FILE,
    sha256: head.digest,
  });
  return { ...answer, state: "current", manifest: Manifest.parse(JSON.parse(new TextDecoder().decode(bytes))) };
}

type Poll = { row: PollRow; device: DeviceCaller | null; namespaces: readonly string[] };

/** A device's poll is one query, the token's check included. A generator's costs a second one, and counts. */
async function readRow(
  deps: Deps,
  caller: Caller,
  of: { namespace: string; deployment_name: string | null },
): Promise<Poll> {
  const workspace_id = caller.workspaceId;
  if (caller.kind === "generator") {
    const { principal } = await readAs(deps, { caller, permission: "config:read" });
    const who = { user_uuid: principal.userUuid, device_id: "", workspace_id };
    const row = await renderStore.selectLatest.first(deps.db, { ...who, ...of });
    const isSeen = row?.namespace == null || coversNamespace(principal.namespaces, row.namespace);
    if (!row || !isSeen) throw AppError.of("nothing_deployed", {});
    return { row, device: null, namespaces: principal.namespaces };
  }
  requireDeclared(caller, "config:read");
  const who = { user_uuid: caller.userUuid, device_id: caller.deviceId, workspace_id };
  const row = await renderStore.selectLatest.first(deps.db, { ...who, ...of });
  const principal = decidePrincipal(caller, row && { ...row, epoch: row.workspace_epoch }, {
    permission: "config:read",
    operators: deps.settings.OPERATOR_LOGINS,
  });
  if (!row || !principal.ok) throw refusal(principal.ok ? "unknown_user" : principal.error, "config:read");
  return { row, device: caller, namespaces: principal.value.namespaces };
}

/** After the answer, and allowed to be lost: that a version was handed out says nothing about what the device runs. */
async function noteAssigned({ db, ids, clock }: Deps, caller: DeviceCaller, head: Latest["deployment"]): Promise<void> {
  await deploymentStore.assign
    .bind(db, {
      id: ids.uuid(),
      workspace_id: caller.workspaceId,
      user_uuid: caller.userUuid,
      device_id: caller.deviceId,
      config_id: head.configId,
      epoch: head.epoch,
      version: head.version,
      now: toInstant(clock.now()),
    })
    .run();
}

function headOf(row: LatestRow): Latest["deployment"] | null {
  if (row.epoch === null || row.version === null || row.manifest_checksum === null) return null;
  return {
    name: row.deployment_name,
    namespace: row.namespace,
    configId: row.config_id,
    isActive: row.is_active === 1,
    epoch: row.epoch,
    version: row.version,
    digest: row.manifest_checksum,
  };
}

/** If-None-Match compares weakly (RFC 9110, 13.1.2): proxies may have added W/. */
const matches = (header: string, etag: string) =>
  header.split(",").some((candidate) => candidate.trim().replace(/^W\//, "") === etag) || header.trim() === "*";

/** A machine must not be handed a stranger's stack: after a second deployment ever existed, the name must be said. */
async function ambiguous({ db }: Deps, caller: Caller, namespaces: readonly string[]): Promise<AppError> {
  const all = await configurationStore.selectNamesEver.all(db, { workspace_id: caller.workspaceId });
  const names = all.filter(({ namespace }) => coversNamespace(namespaces, namespace));
  const listed = names.map(({ deployment_name, is_deleted }) =>
    is_deleted === 1 ? `${deployment_name} (deleted)` : deployment_name,
  );
  return AppError.of(
    "deployment_required",
    { names: listed.join(", ") },
    {
      details: names.map(({ namespace, deployment_name, is_deleted }) => ({
        namespace,
        deployment: deployment_name,
        deleted: is_deleted,
      })),
    },
  );
}
