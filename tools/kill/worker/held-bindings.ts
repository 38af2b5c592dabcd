import { type BindingCall, STATUS_OF_FAILURE } from "../binding-call.ts";

type HeldEnv = Pick<Env, "DB" | "QUADLETS" | "BACKUPS" | "USERS" | "MANIFESTS" | "SECRETS" | "RENDER_QUEUE">;
type Hold = <T>(op: string, call: () => Promise<T>) => Promise<T>;

/**
 * The worker's bindings, each call of which asks the gate before it begins and again before its result is handed on. While
 * the gate does not answer the call is held, which is when the parent process ends the runtime. For one invocation: it counts.
 */
export function holdBindings(env: Env, of: { gateUrl: string; entry: BindingCall["entry"] }): HeldEnv {
  let calls = 0;
  const hold: Hold = async (op, call) => {
    const seq = ++calls;
    await ask(of.gateUrl, { entry: of.entry, seq, op, side: "before" });
    const result = await call();
    await ask(of.gateUrl, { entry: of.entry, seq, op, side: "after" });
    return result;
  };
  return {
    DB: holdDatabase(env.DB, hold),
    QUADLETS: holdMethods(env.QUADLETS, "QUADLETS", hold),
    BACKUPS: holdMethods(env.BACKUPS, "BACKUPS", hold),
    USERS: holdMethods(env.USERS, "USERS", hold),
    MANIFESTS: holdMethods(env.MANIFESTS, "MANIFESTS", hold),
    SECRETS: holdMethods(env.SECRETS, "SECRETS", hold),
    RENDER_QUEUE: holdMethods(env.RENDER_QUEUE, "RENDER_QUEUE", hold),
  };
}

async function ask(gateUrl: string, call: BindingCall): Promise<void> {
  const query = new URLSearchParams({ ...call, seq: String(call.seq) });
  const response = await fetch(`${gateUrl}/?${query.toString()}`);
  await response.body?.cancel();
  if (response.status === STATUS_OF_FAILURE) throw new Error(`${call.op} failed, as the kill test wants`);
}

/** For bindings whose methods are all asynchronous; a text as first argument (a key) becomes part of the call's name. */
function holdMethods<T extends object>(binding: T, name: string, hold: Hold): T {
  return new Proxy(binding, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        const subject = typeof args[0] === "string" ? ` ${args[0]}` : "";
        return hold(
          `${name}.${String(property)}${subject}`,
          () => Reflect.apply(member, target, args) as Promise<unknown>,
        );
      };
    },
  });
}

const RUNS = new Set<PropertyKey>(["first", "all", "run", "raw"]);

function holdDatabase(db: D1Database, hold: Hold): D1Database {
  // batch() takes the runtime's own statements only, so each held one remembers which it stands for.
  const originals = new WeakMap<D1PreparedStatement, { statement: D1PreparedStatement; title: string }>();
  const holdStatement = (statement: D1PreparedStatement, title: string): D1PreparedStatement => {
    const held = new Proxy(statement, {
      get(target, property) {
        if (property === "bind") return (...values: unknown[]) => holdStatement(target.bind(...values), title);
        const member: unknown = Reflect.get(target, property, target);
        if (!RUNS.has(property) || typeof member !== "function") return member;
        return (...args: unknown[]) =>
          hold(`DB.${String(property)} ${title}`, () => Reflect.apply(member, target, args) as Promise<unknown>);
      },
    });
    originals.set(held, { statement, title });
    return held;
  };
  return new Proxy(db, {
    get(target, property) {
      if (property === "prepare") return (sql: string) => holdStatement(target.prepare(sql), titleOf(sql));
      if (property === "batch")
        return (statements: D1PreparedStatement[]) => {
          const known = statements.flatMap((statement) => originals.get(statement) ?? []);
          return hold(`DB.batch ${known.length}: ${known[0]?.title ?? ""}`, () =>
            target.batch(known.map(({ statement }) => statement)),
          );
        };
      throw new TypeError(`the kill test does not hold DB.${String(property)}`);
    },
  });
}

/** What a statement is about: its verb and its first table. */
function titleOf(sql: string): string {
  const [, update, other, table = ""] =
    /^\s*(?:(UPDATE)|(INSERT|SELECT|DELETE)[\s\S]*?\b(?:INTO|FROM))\s+(\w+)/i.exec(sql) ?? [];
  return `${update ?? other ?? ""} ${table}`.trim();
}
