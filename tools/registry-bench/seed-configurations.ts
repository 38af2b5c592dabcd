import { prepareSave } from "#actions/prepare-save.ts";
import { commitVersion } from "#actions/commit-version.ts";
import { renderVersion } from "#consumers/render-version.ts";
import { userUuid } from "#core/identity.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { loadSchema } from "#registry/load-schema.ts";
import { userStore } from "#store/user-store.ts";

const PER_WORKSPACE = 10;
const POLICIES = ["pinned", "propose", "propose", "auto", "propose"] as const;
export const SEEDED_VERSION = "v1.0.0";

/**
 * Configurations as saves leave them, ten to a workspace, each a little different and rendered, so that a release has something to be
 * compared with. By the commit and the render job of the product, without HTTP, sign-in and messages. One in five is pinned and one
 * follows by itself; `from` counts on from an earlier call.
 */
export async function seedConfigurations(deps: Deps, { from, count }: { from: number; count: number }): Promise<void> {
  const schema = await loadSchema(deps, "leger", SEEDED_VERSION);
  if (!schema) throw new Error(`${SEEDED_VERSION} was not admitted`);
  for (let n = from; n < from + count; n++) {
    const workspace = await workspaceOf(deps, Math.floor(n / PER_WORKSPACE), n % PER_WORKSPACE === 0);
    const configData = {
      networking: { base_domain: `site-${n}.example.com`, external_ports: { openwebui: 10_000 + n } },
    };
    const prepared = prepareSave(schema, { configData, namespace: "/", parent: null, allowDeprecated: false });
    const outcome = await commitVersion(deps, workspace, {
      config_id: deps.ids.uuid(),
      parent: 0,
      config_data: prepared.text,
      pack: schema.pack,
      schema_version: schema.version,
      podman_target: "5.4",
      origin: "save",
      changes_summary: null,
      cli_version: null,
      configuration: {
        namespace: "/",
        deployment_name: `stack-${n}`,
        schema_range: "^1.0.0",
        upgrade_policy: POLICIES[n % POLICIES.length] ?? "propose",
      },
    });
    if (outcome.kind !== "committed") throw new Error(`configuration ${n} was not committed: ${outcome.kind}`);
    const { kind } = await renderVersion(deps, outcome.version.id);
    if (kind !== "rendered") throw new Error(`configuration ${n} was not rendered: ${kind}`);
  }
}

async function workspaceOf({ db, clock }: Deps, number: number, isNew: boolean) {
  const tailscaleId = `bench-${number}`;
  const id = userUuid(tailscaleId);
  const login = `${tailscaleId}@example.com`;
  if (isNew)
    await db.batch(
      userStore.signIn(db, {
        user_uuid: id,
        tailscale_user_id: tailscaleId,
        tailscale_email: login,
        tailnet: "example.ts.net",
        display_name: null,
        device_id: `device-${number}`,
        device_hostname: `host-${number}`,
        cli_version: null,
        now: toInstant(clock.now()),
      }),
    );
  return {
    userUuid: id,
    deviceId: null,
    workspaceId: id,
    epoch: 1,
    login,
    role: "admin" as const,
    isOperator: false,
    namespaces: ["/"],
    actor: `user:${id}`,
  };
}
