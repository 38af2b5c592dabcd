import { z } from "zod";
import { fromBase64url, toBase64url } from "#core/base64url.ts";
import { sha256Hex } from "#core/digest.ts";
import { type Permission, type Role, mayBeGenerators, roleHas } from "#core/permissions.ts";
import type { GeneratorCaller, Principal, PrincipalRefusal } from "#core/principal.ts";
import { type Result, err, ok } from "#core/result.ts";

/** Document 003: an external system that makes deployments, with an identity of its own. */
export const GeneratorName = z
  .string()
  .regex(/^[a-z](?:[a-z0-9-]{0,46}[a-z0-9])?$/, "Lower-case letters, digits and hyphens, 1 to 48, a letter first.")
  .meta({ id: "GeneratorName", example: "github-actions" });

export const GENERATOR_DAYS_DEFAULT = 90;
export const GENERATOR_DAYS_MAX = 366;
/** A deleted generator can be brought back this long (its old tokens cannot). */
export const RESTORE_DAYS = 30;

const PREFIX = "lgr_";
const UUID_BYTES = 16;
const SECRET_BYTES = 32;
const CHECK_BYTES = 4;
const TOKEN_BYTES = 2 * UUID_BYTES + SECRET_BYTES + CHECK_BYTES;

export type GeneratorToken = { workspaceId: string; generatorId: string; hash: string };

/**
 * `lgr_` and base64url of: workspace, generator, 256 random bits, and four bytes of SHA-256 over these, so that a token which
 * was cut or misspelt is told apart without asking the database, and scanners can be sure of a leaked one. The ids let one
 * batch both authenticate and read; they prove nothing, because the hash is over all of it.
 */
export async function makeGeneratorToken(
  of: { workspaceId: string; generatorId: string },
  secret: Uint8Array,
): Promise<{ token: string; hash: string }> {
  if (secret.length !== SECRET_BYTES) throw new RangeError(`a generator's token takes ${SECRET_BYTES} random bytes`);
  const bytes = new Uint8Array(TOKEN_BYTES);
  bytes.set(uuidBytes(of.workspaceId));
  bytes.set(uuidBytes(of.generatorId), UUID_BYTES);
  bytes.set(secret, 2 * UUID_BYTES);
  bytes.set(await checkOf(bytes), TOKEN_BYTES - CHECK_BYTES);
  const token = PREFIX + toBase64url(bytes);
  return { token, hash: await sha256Hex(token) };
}

export const isGeneratorToken = (token: string) => token.startsWith(PREFIX);

/** What a token says about itself, or null where it is none that was ever made. */
export async function parseGeneratorToken(token: string): Promise<GeneratorToken | null> {
  const bytes = fromBase64url(token.slice(PREFIX.length));
  if (!isGeneratorToken(token) || bytes?.length !== TOKEN_BYTES) return null;
  const check = await checkOf(bytes);
  if (!check.every((byte, at) => byte === bytes[TOKEN_BYTES - CHECK_BYTES + at])) return null;
  return {
    workspaceId: uuidText(bytes.subarray(0, UUID_BYTES)),
    generatorId: uuidText(bytes.subarray(UUID_BYTES, 2 * UUID_BYTES)),
    hash: await sha256Hex(token),
  };
}

/** What the batch read of a token: null where it was deleted, rotated away or never made. */
export type GeneratorPrincipalRow = {
  user_uuid: string;
  login: string;
  scopes: string;
  namespaces: string;
  requests_per_hour: number;
  expires_at: string;
  not_after: string | null;
  last_used_at: string | null;
  role: Role | null;
  epoch: number;
};

/** Whether a generator may do `permission` now: its own scopes, and never more than the role that its maker has today. */
export function decideGenerator(
  caller: GeneratorCaller,
  row: GeneratorPrincipalRow | null,
  { permission, now }: { permission: Permission; now: string },
): Result<Principal, PrincipalRefusal> {
  if (!row) return err("revoked");
  if (row.not_after !== null && row.not_after <= now) return err("revoked");
  if (row.expires_at <= now) return err("expired");
  if (row.role === null) return err("not_a_member");
  const scopes = JSON.parse(row.scopes) as string[];
  const isInScope = permission === "self:read" || scopes.includes(permission);
  if (!isInScope || !mayBeGenerators(permission) || !roleHas(row.role, permission)) return err("forbidden");
  return ok({
    userUuid: row.user_uuid,
    deviceId: null,
    workspaceId: caller.workspaceId,
    epoch: row.epoch,
    login: row.login,
    role: row.role,
    isOperator: false,
    namespaces: JSON.parse(row.namespaces) as string[],
    actor: caller.actor,
  });
}

/** Whether `namespace` lies in one of the prefixes: `/ci` covers `/ci` and `/ci/site-a`, not `/city`. */
export const coversNamespace = (prefixes: readonly string[], namespace: string): boolean =>
  prefixes.some((prefix) => prefix === "/" || namespace === prefix || namespace.startsWith(`${prefix}/`));

async function checkOf(bytes: Uint8Array): Promise<Uint8Array> {
  const hex = await sha256Hex(bytes.slice(0, TOKEN_BYTES - CHECK_BYTES));
  return Uint8Array.from({ length: CHECK_BYTES }, (_, at) => Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16));
}

const uuidBytes = (uuid: string) =>
  Uint8Array.from(uuid.replaceAll("-", "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

function uuidText(bytes: Uint8Array): string {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
