import { versionConflict } from "#actions/version-conflict.ts";
import { AppError } from "#core/errors.ts";
import type { IfMatch } from "#core/save-decision.ts";
import type { Deps } from "#deps.ts";
import { type Configuration, type ConfigurationRow, configurationStore } from "#store/configuration-store.ts";

/** An overwrite on purpose competes with others; each lost round means that another edit succeeded. */
const ATTEMPTS_MAX = 50;

type Edit = {
  workspaceId: string;
  name: { namespace: string; deployment_name: string };
  ifMatch: IfMatch;
  /** The configuration as the caller's own round trip read it. */
  row: ConfigurationRow | undefined;
};

/**
 * Runs an edit against the newest version, and again where somebody else was faster (`attempt` gives null then). An edit that
 * names its version is refused with what came in between; nothing is ever overwritten unseen.
 */
export async function editConfiguration<T>(
  deps: Deps,
  { workspaceId, name, ifMatch, row }: Edit,
  attempt: (configuration: Configuration) => Promise<T | null>,
): Promise<T> {
  let current = row;
  for (let round = 1; round <= ATTEMPTS_MAX; round++) {
    if (!current) throw AppError.of("configuration_not_found", { name: name.deployment_name });
    const configuration = configurationStore.fromRow(current);
    if (ifMatch.kind === "version" && ifMatch.version !== configuration.version)
      throw await versionConflict(deps, configuration, ifMatch.version);
    const done = await attempt(configuration);
    if (done !== null) return done;
    current =
      (await configurationStore.selectByName.first(deps.db, { workspace_id: workspaceId, ...name })) ?? undefined;
  }
  throw AppError.of("write_contended", {});
}
