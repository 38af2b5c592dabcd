import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { z } from "zod";
import { usageError } from "./cli-error.ts";

const SERVER_DEFAULT = "https://api.leger.run";

/** Who is signed in, and where. The token goes to `server` only. */
export const Session = z.object({
  format: z.literal(1),
  server: z.string(),
  token: z.string(),
  /** DPoP: bound to this device's key. */
  token_type: z.string().default("Bearer"),
  expires_at: z.string(),
  user_uuid: z.string(),
  login: z.string(),
  display_name: z.string().nullable(),
  device_id: z.string(),
  device_hostname: z.string(),
});
export type Session = z.infer<typeof Session>;

const folder = (variable: string, otherwise: string) => {
  const named = process.env[variable];
  return path.join(named && path.isAbsolute(named) ? named : path.join(os.homedir(), otherwise), "leger");
};
/** XDG Base Directory Specification: a relative path in the variable does not count. */
export const configFolder = () => folder("XDG_CONFIG_HOME", ".config");
export const dataFolder = () => folder("XDG_DATA_HOME", ".local/share");

const sessionFile = () => path.join(configFolder(), "session.json");

/** npm runs scripts in the project's folder; paths are meant from where the person stands. */
export const fromHere = (file: string) => path.resolve(process.env["INIT_CWD"] ?? process.cwd(), file);

/** Replaces a file in one step, readable by its owner only: whoever reads it sees the old text or the new one. */
export function writePrivately(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const fresh = `${file}.${process.pid}.new`;
  writeFileSync(fresh, text, { mode: 0o600, flush: true });
  chmodSync(fresh, 0o600); // where umask took more away, and where an older file was more open
  renameSync(fresh, file);
}

/** Null where nobody is signed in, or the file is from another time. */
export function readSession(): Session | null {
  try {
    const parsed = Session.safeParse(JSON.parse(readFileSync(sessionFile(), "utf8")));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

export const writeSession = (session: Session) =>
  writePrivately(sessionFile(), `${JSON.stringify(session, null, 2)}\n`);
export const removeSession = () => rmSync(sessionFile(), { force: true });
export const isSessionOpenToOthers = () =>
  ((statSync(sessionFile(), { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0;

/** The server that is meant: the option, LEGER_API_URL, the session's, ours. Without a slash at its end. */
export function chooseServer(option: string | undefined, session: Session | null): string {
  const named = option ?? (process.env["LEGER_API_URL"] || undefined);
  return named === undefined ? (session?.server ?? SERVER_DEFAULT) : checkServer(named);
}

/** A token must not cross a network in the clear: http is for this machine, and for a tailnet, which encrypts by itself. */
function checkServer(text: string): string {
  if (!URL.canParse(text)) throw usageError(`${text} is no URL.`, "Give the server as https://HOST.");
  const url = new URL(text);
  const isInside =
    /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.\d+\.\d+|.+\.ts\.net)$/;
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isInside.test(url.hostname)))
    throw usageError(`${text} would carry the token in the clear.`, "Give the server as https://HOST.");
  return url.href.replace(/\/+$/, "");
}
