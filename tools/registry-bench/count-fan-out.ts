/** How far the announcement of the release is. */
export type Progress = { fanout: "none" | "running" | "done"; queued: number; done: number; unrendered: number };

/** What stands in D1 after a release, counted past the product: configurations by policy and by what each of them has got. */
export type FanOutCounts = {
  /** Per policy: how many there are, and how many have exactly what their policy says. */
  policies: { policy: string; configurations: number; right: number }[];
  /** Configurations with more than one proposal, version or audit row of one release: told twice. */
  twice: number;
  outcomes: Record<string, number>;
  classes: Record<string, number>;
  /** Versions of the release whose render is done. */
  rendered: number;
};

const TARGET = "v1.1.0";

export async function progressOf(db: D1Database): Promise<Progress> {
  const row = await db
    .prepare(
      `SELECT COALESCE((SELECT state FROM fanouts WHERE schema_version = ?1), 'none') AS fanout,
         (SELECT COUNT(*) FROM upgrade_jobs WHERE schema_version = ?1 AND state = 'queued') AS queued,
         (SELECT COUNT(*) FROM upgrade_jobs WHERE schema_version = ?1 AND state = 'done') AS done,
         (SELECT COUNT(*) FROM render_jobs WHERE state IN ('queued', 'rendering')) AS unrendered`,
    )
    .bind(TARGET)
    .first<Progress>();
  if (!row) throw new Error("a query of counts answers a row");
  return row;
}

export async function countFanOut(db: D1Database): Promise<FanOutCounts> {
  const all = async <T>(sql: string) => (await db.prepare(sql).bind(TARGET).all<T>()).results;
  const one = async (sql: string) => (await all<{ n: number }>(sql))[0]?.n ?? 0;
  // what each configuration has got of the release
  const got = `SELECT c.id, c.upgrade_policy AS policy,
      (SELECT COUNT(*) FROM proposals p WHERE p.config_id = c.id AND p.schema_version = ?1) AS proposals,
      (SELECT COUNT(*) FROM configuration_versions v WHERE v.config_id = c.id AND v.schema_version = ?1) AS versions,
      (SELECT COUNT(*) FROM configuration_versions v WHERE v.config_id = c.id) AS all_versions,
      (SELECT COUNT(*) FROM audit_log a WHERE a.workspace_id = c.workspace_id AND a.target = 'configuration:' || c.id
         AND a.actor = 'system:registry') AS audited
    FROM configurations c WHERE ?1 <> ''`;
  const isRight = `CASE policy
      WHEN 'pinned' THEN proposals = 0 AND versions = 0 AND all_versions = 1 AND audited = 0
      WHEN 'propose' THEN proposals = 1 AND versions = 0 AND all_versions = 1 AND audited = 1
      ELSE proposals = 0 AND versions = 1 AND all_versions = 2 AND audited = 1 END`;
  const counted = async (table: string, column: string) =>
    Object.fromEntries(
      (
        await all<{ name: string; n: number }>(
          `SELECT ${column} AS name, COUNT(*) AS n FROM ${table} WHERE schema_version = ?1 AND ${column} IS NOT NULL GROUP BY 1`,
        )
      ).map(({ name, n }) => [name, n]),
    );
  return {
    policies: await all(
      `SELECT policy, COUNT(*) AS configurations, SUM(${isRight}) AS right FROM (${got}) GROUP BY policy ORDER BY policy`,
    ),
    twice: await one(
      `SELECT COUNT(*) AS n FROM (${got}) WHERE proposals > 1 OR versions > 1 OR all_versions > 2 OR audited > 1`,
    ),
    outcomes: await counted("upgrade_jobs", "outcome"),
    classes: await counted("proposals", "class"),
    rendered: await one(
      `SELECT COUNT(*) AS n FROM configuration_versions v JOIN render_jobs j ON j.version_id = v.id
       WHERE v.schema_version = ?1 AND j.state = 'rendered'`,
    ),
  };
}
