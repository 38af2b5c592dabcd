/**
 * Typed SQL without an ORM. A statement declares its parameters and its row once, next to its text; a call site can
 * misspell neither. Writes are *values* (`bind` returns the prepared statement), because D1's only transaction is
 * `db.batch([...])` and only values can be put in a list. Every text is registered, so that one test EXPLAINs them all
 * against the migrated schema.
 */
type Value = string | number | null;
type Params = { [name: string]: Value };

export type Statement<P extends Params, Row> = {
  bind(db: D1Database, params: P): D1PreparedStatement;
  first(db: D1Database, params: P): Promise<Row | null>;
  all(db: D1Database, params: P): Promise<Row[]>;
  /** The rows of this statement's result in a batch. */
  rows(result: D1Result | undefined): Row[];
};

const writes = new WeakSet<D1PreparedStatement>();

/** Whether a bound statement changes anything. */
export const isWrite = (bound: D1PreparedStatement): boolean => writes.has(bound);

export const REGISTERED_STATEMENTS: { sql: string; parameters: number; crossesTenants: boolean }[] = [];

/**
 * `crossesTenants` lists the statement as one that may see several workspaces (sweep, registry, operator). All others
 * that touch a tenant table must name `workspace_id` or a `user_uuid`: law 7, asserted by a test over this registry.
 */
export function statement<P extends Params, Row = never>(
  sql: string,
  options: { crossesTenants?: boolean } = {},
): Statement<P, Row> {
  const names: string[] = [];
  const text = sql.replace(/(?<![:\w]):([a-z][a-z0-9_]*)/g, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `?${names.indexOf(name) + 1}`;
  });
  REGISTERED_STATEMENTS.push({ sql: text, parameters: names.length, crossesTenants: options.crossesTenants ?? false });
  const isRead = /^\s*SELECT\b/i.test(text);
  const bind = (db: D1Database, params: P): D1PreparedStatement => {
    const values = names.map((name) => {
      const value = params[name];
      if (value === undefined) throw new TypeError(`missing SQL parameter :${name}`);
      return value;
    });
    const bound = db.prepare(text).bind(...values);
    if (!isRead) writes.add(bound);
    return bound;
  };
  const rows = (result: D1Result | undefined) => (result?.results ?? []) as Row[];
  return {
    bind,
    rows,
    first: async (db, params) => rows(await bind(db, params).all())[0] ?? null,
    all: async (db, params) => rows(await bind(db, params).all()),
  };
}
