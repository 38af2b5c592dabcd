import { type LimitCheck, type LimitDeps, limitStatements } from "#actions/limit-statements.ts";
import { AppError } from "#core/errors.ts";
import { coversNamespace, decideGenerator } from "#core/generator.ts";
import { causeText } from "#core/log.ts";
import type { Permission } from "#core/permissions.ts";
import {
  type Caller,
  type DeviceCaller,
  type Principal,
  type PrincipalRefusal,
  decidePrincipal,
} from "#core/principal.ts";
import { RATE_LIMITS } from "#core/rate-limits.ts";
import type { Result } from "#core/result.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { generatorStore } from "#store/generator-store.ts";
import { principalStore } from "#store/principal-store.ts";
import { rateLimitStore } from "#store/rate-limit-store.ts";

type ReadDeps = LimitDeps & Pick<Deps, "after" | "log">;

/**
 * Authenticates a caller and reads what they asked for in one round trip: the token's epoch, the device and the
 * membership are checked by the same batch that reads, so a revocation holds from the next request on and costs nothing.
 * Nothing of what was read is given out before the check, and to a generator no row of a namespace that is not its own.
 */
export async function readAs(
  deps: ReadDeps,
  { caller, permission }: { caller: Caller; permission: Permission },
  reads: D1PreparedStatement[] = [],
): Promise<{ principal: Principal; results: D1Result[] }> {
  requireDeclared(caller, permission);
  const limit = limitOfCaller(deps, caller);
  caller.limit = null; // once for a request, however often it reads
  const [row, ...results] = await deps.db.batch([selectIdentity(deps, caller), ...reads, ...limit.statements]);
  const decision = decideCaller(deps, caller, { permission, row });
  if (!decision.ok) throw refusal(decision.error, permission);
  limit.decide(results.splice(reads.length), maxOf(caller, row));
  return { principal: decision.value, results: results.map((result) => visibleTo(decision.value, result)) };
}

function selectIdentity({ db }: ReadDeps, caller: Caller): D1PreparedStatement {
  const { workspaceId: workspace_id } = caller;
  return caller.kind === "generator"
    ? generatorStore.selectPrincipal.bind(db, {
        token_hash: caller.tokenHash,
        generator_id: caller.generatorId,
        workspace_id,
      })
    : principalStore.select.bind(db, { user_uuid: caller.userUuid, device_id: caller.deviceId, workspace_id });
}

function decideCaller(
  deps: ReadDeps,
  caller: Caller,
  { permission, row }: { permission: Permission; row: D1Result | undefined },
): Result<Principal, PrincipalRefusal> {
  const { settings, clock } = deps;
  if (caller.kind === "device")
    return decidePrincipal(caller, principalStore.select.rows(row)[0] ?? null, {
      permission,
      operators: settings.OPERATOR_LOGINS,
    });
  const now = clock.now();
  const generator = generatorStore.selectPrincipal.rows(row)[0] ?? null;
  const decision = decideGenerator(caller, generator, { permission, now: toInstant(now) });
  const staleBefore = toInstant(secondsAfter(now, -LAST_USED_SECONDS));
  if (decision.ok && (generator?.last_used_at ?? "") < staleBefore)
    deps.after(
      generatorStore.touch
        .bind(deps.db, {
          workspace_id: caller.workspaceId,
          id: caller.generatorId,
          now: toInstant(now),
          stale_before: staleBefore,
        })
        .run()
        .catch((cause: unknown) => deps.log("generator.untouched", { cause: causeText(cause) })),
    );
  return decision;
}

/** At most one write per generator and this long, however often it asks. */
const LAST_USED_SECONDS = 300;

/** A generator's own number, which only its row knows. */
const maxOf = (caller: Caller, row: D1Result | undefined): number | undefined =>
  caller.kind === "generator" ? generatorStore.selectPrincipal.rows(row)[0]?.requests_per_hour : undefined;

/** Rows with a namespace outside the caller's are left out, so that they look as if they did not exist (law 7). */
function visibleTo({ namespaces }: Principal, result: D1Result): D1Result {
  if (namespaces.includes("/")) return result;
  const rows = result.results as { namespace?: string | null }[];
  const seen = rows.filter(({ namespace }) => typeof namespace !== "string" || coversNamespace(namespaces, namespace));
  return { ...result, results: seen };
}

/** For what is made in a namespace where there is no row yet that could be left out. */
export function requireNamespace({ namespaces }: Principal, namespace: string): void {
  if (!coversNamespace(namespaces, namespace)) throw AppError.of("namespace_forbidden", { namespace });
}

/** The device behind a request, for what only a device may do. */
export function asDevice(caller: Caller): DeviceCaller {
  if (caller.kind !== "device") throw AppError.of("insufficient_permissions", { scope: caller.permission });
  return caller;
}

/** A route that declares another permission than its action needs is a mistake of ours, found by its first test. */
export function requireDeclared(caller: Caller, permission: Permission): void {
  if (caller.permission !== permission)
    throw new TypeError(`the route declares ${caller.permission}, its action needs ${permission}`);
}

/** The route's limit, taken in the batch that authenticates: one round trip, and exact. */
function limitOfCaller(deps: LimitDeps, caller: Caller): LimitCheck {
  if (caller.limit === null) return { statements: [], decide: () => {} };
  if (caller.kind === "generator") {
    const token = {
      token_hash: caller.tokenHash,
      generator_id: caller.generatorId,
      workspace_id: caller.workspaceId,
      now: toInstant(deps.clock.now()),
    };
    return limitStatements(deps, {
      name: caller.limit,
      holder: caller.actor,
      take: (db, take) => generatorStore.take.bind(db, { ...take, ...token }),
    });
  }
  const { userUuid, deviceId, claims } = caller;
  const holder = RATE_LIMITS[caller.limit].per === "device" ? `device:${userUuid}/${deviceId}` : `user:${userUuid}`;
  const device = { user_uuid: userUuid, device_id: deviceId, te: claims.te, ue: claims.ue };
  const { limit: name, workspaceId: workspace_id } = caller;
  if (name === "secret_reads")
    return limitStatements(deps, {
      name,
      holder,
      take: (db, take) => rateLimitStore.takeSecretRead.bind(db, { ...take, ...device, workspace_id }),
      select: (db, { max }) => rateLimitStore.selectSecretReads.bind(db, { name, holder, max, workspace_id }),
    });
  return limitStatements(deps, {
    name,
    holder,
    take: (db, take) => rateLimitStore.takeByDevice.bind(db, { ...take, ...device }),
  });
}

/** What the caller is told. A workspace they are no member of looks as if their token were for nobody. */
export function refusal(reason: PrincipalRefusal, permission: Permission): AppError {
  switch (reason) {
    case "forbidden":
    case "not_an_operator":
      return AppError.of("insufficient_permissions", { scope: permission });
    case "expired":
      return AppError.of("invalid_token", { detail: "it has expired" });
    case "revoked":
    case "unknown_device":
      return AppError.of("invalid_token", { detail: "it was revoked" });
    case "unknown_user":
    case "not_a_member":
      return AppError.of("invalid_token", { detail: "its account is not known here" });
  }
}
