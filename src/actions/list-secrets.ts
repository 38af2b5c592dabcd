import { readAs } from "#actions/read-as.ts";
import { AppError } from "#core/errors.ts";
import type { Caller } from "#core/principal.ts";
import { isSecretName } from "#core/secret-value.ts";
import type { Deps } from "#deps.ts";
import { configurationStore } from "#store/configuration-store.ts";
import { type ListedSecretRow, type SecretVersionRow, secretStore } from "#store/secret-store.ts";
import { type NeededSecretRow, type RequiredByRow, secretUseStore } from "#store/secret-use-store.ts";

/** All names, by name: the existing client reads them in one answer, which the limit of secrets bounds. */
export async function listSecrets(deps: Deps, caller: Caller): Promise<ListedSecretRow[]> {
  const { results } = await readAs(deps, { caller, permission: "secrets:list" }, [
    secretStore.selectLive.bind(deps.db, { workspace_id: caller.workspaceId }),
  ]);
  return secretStore.selectLive.rows(results[0]);
}

export type DescribedSecret = { secret: ListedSecretRow; versions: SecretVersionRow[]; requiredBy: RequiredByRow[] };

/** Everything about a name but its value; also of a deleted one, so that it can be seen whether it can be restored. */
export async function describeSecret(deps: Deps, caller: Caller, name: string): Promise<DescribedSecret> {
  if (!isSecretName(name)) throw AppError.of("invalid_secret_name", {});
  const of = { workspace_id: caller.workspaceId, name };
  const { results } = await readAs(deps, { caller, permission: "secrets:list" }, [
    secretStore.selectListed.bind(deps.db, of),
    secretStore.selectVersions.bind(deps.db, of),
    secretUseStore.selectRequiredBy.bind(deps.db, of),
  ]);
  const [secret] = secretStore.selectListed.rows(results[0]);
  if (!secret) throw AppError.of("secret_not_found", { name });
  return {
    secret,
    versions: secretStore.selectVersions.rows(results[1]),
    requiredBy: secretUseStore.selectRequiredBy.rows(results[2]),
  };
}

export type NeededSecrets = { headVersion: number | null; needed: NeededSecretRow[] };

/** What the newest render of a configuration needs of the store. */
export async function listNeeded(
  deps: Deps,
  caller: Caller,
  name: { namespace: string; deployment_name: string },
): Promise<NeededSecrets> {
  const { db } = deps;
  const workspace_id = caller.workspaceId;
  const { results } = await readAs(deps, { caller, permission: "secrets:list" }, [
    configurationStore.selectByName.bind(db, { workspace_id, ...name }),
  ]);
  const [row] = configurationStore.selectByName.rows(results[0]);
  if (!row) throw AppError.of("configuration_not_found", { name: name.deployment_name });
  const needed = await secretUseStore.selectNeeded.all(db, { workspace_id, config_id: row.id });
  return { headVersion: row.head_version, needed };
}
