import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import "#actions/create-configuration.ts";
import "#consumers/sweep.ts";
import "#actions/read-schemas.ts";
import "#actions/read-latest.ts";
import "#actions/check-readiness.ts";
import "#actions/retry-render.ts";
import "#actions/delete-configuration.ts";
import "#api/app.ts";
import "#consumers/check-devices.ts";
import "#actions/export-workspace.ts";
import "#actions/read-audit.ts";
import "#actions/describe-device.ts";
import "#actions/report-deployment.ts";
import "#actions/set-secret.ts";
import "#actions/read-secret.ts";
import "#actions/list-secrets.ts";
import "#actions/delete-secret.ts";
import { REGISTERED_STATEMENTS } from "#store/statement.ts";
import { SMALL_PACK } from "./fixture-packs.ts";
import { world } from "./world.ts";

const TENANT_TABLES =
  /\b(?:configurations|configuration_versions|render_jobs|rendered_quadlets|deployment_heads|deployments|audit_log|memberships|devices|device_requests|purges|uploads|upload_files|data_keys|secrets|secret_versions|secret_uses|impact_results)\b/;

describe("SQL", () => {
  test("every registered statement is understood by the migrated schema", async () => {
    expect(REGISTERED_STATEMENTS.length).toBeGreaterThan(40);
    for (const { sql, parameters } of REGISTERED_STATEMENTS) {
      const explained = await env.DB.prepare(`EXPLAIN ${sql}`)
        .bind(...Array.from({ length: parameters }, () => null))
        .all();
      expect(explained.results.length, sql).toBeGreaterThan(0);
    }
  });

  test("every tenant query carries the tenant; the ones that cross workspaces are listed", () => {
    const ofTenants = REGISTERED_STATEMENTS.filter(
      ({ sql, crossesTenants }) => TENANT_TABLES.test(sql) && !crossesTenants,
    );
    expect(ofTenants.length).toBeGreaterThan(20);
    expect(ofTenants.filter(({ sql }) => !/workspace_id|user_uuid/.test(sql))).toEqual([]);
  });

  test("the poll and the sweep read by index, never a whole table", async () => {
    for (const { sql, parameters } of REGISTERED_STATEMENTS.filter(
      ({ sql: text }) => /names_ever|next_attempt_at <=/.test(text) && text.startsWith("SELECT"),
    )) {
      const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...Array.from({ length: parameters }, () => null))
        .all<{ detail: string }>();
      expect(
        plan.results
          .map(({ detail }) => detail)
          .filter((detail) => /^SCAN (?!\(|x?h\b|CONSTANT|SUBQUERY)/.test(detail)),
        sql,
      ).toEqual([]);
    }
  });

  test("every index of document 000 is there, and every table is STRICT", async () => {
    const { results } = await env.DB.prepare("SELECT type, name, sql FROM sqlite_master").all<{
      type: string;
      name: string;
      sql: string;
    }>();
    const indexes = results.filter(({ type }) => type === "index").map(({ name }) => name);
    expect(indexes).toEqual(
      expect.arrayContaining([
        "idx_users_tailscale_id",
        "idx_users_tailnet",
        "idx_users_last_seen",
        "idx_config_user_version",
        "idx_config_user_active",
        "idx_config_schema_version",
        "idx_version_config",
        "idx_version_created",
        "idx_schema_released",
        "idx_rendered_config",
        "idx_rendered_path",
        "idx_deploy_user",
        "idx_deploy_device",
        "idx_deploy_status",
      ]),
    );
    const own = results.filter(({ type, name }) => type === "table" && !/^(?:sqlite_|_cf_|d1_)/.test(name));
    expect(own.filter(({ sql }) => !/STRICT\s*$/.test(sql)).map(({ name }) => name)).toEqual([]);
  });
});

describe("what may never change refuses to", () => {
  test.each([
    ["UPDATE configuration_versions SET config_data = '{}'", /immutable/],
    ["DELETE FROM configuration_versions", /immutable/],
    ["INSERT OR REPLACE INTO configuration_versions SELECT * FROM configuration_versions", /immutable/],
    ["UPDATE rendered_quadlets SET manifest_checksum = 'x'", /immutable/],
    ["DELETE FROM rendered_quadlets", /immutable/],
    ["UPDATE deployment_heads SET version = 1", /forward only/],
    ["DELETE FROM deployment_heads", /forward only/],
    ["UPDATE audit_log SET payload = '{}'", /append-only/],
    ["DELETE FROM audit_log", /append-only/],
    ["INSERT OR REPLACE INTO audit_log SELECT * FROM audit_log", /append-only/],
    [
      "INSERT INTO audit_log SELECT id || 'x', workspace_id, seq + 50, at, actor, action, target, payload, entry_digest FROM audit_log",
      /append-only/,
    ],
    ["DELETE FROM configurations", /deleted softly/],
    ["INSERT OR REPLACE INTO configurations SELECT * FROM configurations", /deleted softly/],
    ["DELETE FROM render_jobs", /kept/],
    ["DELETE FROM users", /FOREIGN KEY/],
    [
      "INSERT INTO render_jobs (version_id, config_id, workspace_id, version, state, next_attempt_at, created_at, updated_at) VALUES ('a', 'b', 'c', 1, 'done', '', '', '')",
      /CHECK|FOREIGN/,
    ],
  ])("%s", async (sql, refusal) => {
    const w = world();
    const { token } = await w.tenant();
    const { slug } = await w.admit(SMALL_PACK);
    await w.request("POST", "/configurations", {
      token,
      body: { deployment_name: "site", pack: slug, config_data: { web: { port: 80 } } },
    });
    await w.deliver();
    await expect(env.DB.prepare(sql).run()).rejects.toThrow(refusal);
  });

  test("an older head that is inserted is ignored", async () => {
    const w = world();
    const { token, id } = await w.tenant();
    const { slug } = await w.admit(SMALL_PACK);
    for (const port of [80, 81]) {
      const body = { deployment_name: "site", pack: slug, config_data: { web: { port } } };
      await (port === 80
        ? w.request("POST", "/configurations", { token, body })
        : w.request("PUT", "/configurations/site", {
            token,
            headers: { "if-match": "*" },
            body: { config_data: body.config_data },
          }));
    }
    await w.deliver();
    await env.DB.prepare(
      "INSERT OR REPLACE INTO deployment_heads SELECT config_id, workspace_id, epoch, 1, 'old', 0, updated_at FROM deployment_heads WHERE workspace_id = ?",
    )
      .bind(id)
      .run();
    expect(
      await env.DB.prepare("SELECT version FROM deployment_heads WHERE workspace_id = ?").bind(id).first(),
    ).toEqual({ version: 2 });
  });
});

test("migrations go up, down and up again on a filled database", async () => {
  const w = world();
  const { token } = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  await w.request("POST", "/configurations", {
    token,
    body: { deployment_name: "site", pack: slug, config_data: { web: { port: 80 } } },
  });
  await w.deliver();
  const schema = async () =>
    (
      await env.DB.prepare(
        "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%' AND name NOT LIKE 'd1_%' ORDER BY name",
      ).all()
    ).results;
  const before = await schema();
  for (const { queries } of env.TEST_MIGRATIONS_DOWN.toReversed())
    for (const query of queries) await env.DB.prepare(query).run();
  expect(await schema()).toEqual([]);
  await env.DB.prepare("DELETE FROM d1_migrations").run();
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
  expect(await schema()).toEqual(before);
});
