import { statement } from "#store/statement.ts";

export type FanoutRow = { pack: string; schema_version: string; cursor: string };

/** Stands after the insert of a ready schema version in its batch. */
const start = statement<{ pack: string; version: string; fetched_at: string; now: string }>(
  `INSERT INTO fanouts (pack, schema_version, state, created_at, updated_at)
   SELECT pack, version, 'running', :now, :now FROM schemas
   WHERE pack = :pack AND version = :version AND status = 'ready' AND fetched_at = :fetched_at
   ON CONFLICT (pack, schema_version) DO NOTHING`,
);

const selectRunning = statement<Record<string, never>, FanoutRow>(
  "SELECT pack, schema_version, cursor FROM fanouts WHERE state = 'running' ORDER BY created_at LIMIT 10",
);

export const fanoutStore = { start, selectRunning };
