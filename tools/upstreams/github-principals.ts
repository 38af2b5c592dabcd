import { createPublicKey, randomBytes, verify } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";
import { header } from "./http-kernel.ts";

/** The token that this server knows unless it is told others: reads every repository, sees no drafts. */
export const LOCAL_GITHUB_TOKEN = "local-github-token";

export const TokenSpec = z.strictObject({
  token: z.string().min(1),
  /** Private repositories it may read, as `owner/name`; absent: all. */
  repositories: z.array(z.string()).optional(),
  /** May push, and therefore sees drafts. */
  push: z.boolean().default(false),
});
export type TokenSpec = z.input<typeof TokenSpec>;

/** A GitHub App with one installation. `publicKey` is PEM; the client signs RS256 with the other half. */
export const AppSpec = z.strictObject({
  appId: z.string(),
  installationId: z.int(),
  publicKey: z.string(),
  repositories: z.array(z.string()).optional(),
});
export type AppSpec = z.input<typeof AppSpec>;

export type Principal = {
  /** Key of the rate-limit bucket. */
  readonly key: string;
  readonly authenticated: boolean;
  readonly push: boolean;
  canRead(fullName: string): boolean;
};

const ANONYMOUS: Principal = { key: "anonymous", authenticated: false, push: false, canRead: () => false };
const TOKEN_LIFE_MS = 3_600_000;
/** GitHub refuses an app's JWT that claims a longer life. */
const JWT_LIFE_SECONDS_MAX = 600;
const Claims = z.object({ iss: z.coerce.string(), iat: z.number(), exp: z.number() });

/** Tokens as personal ones and those that an app's installation mints for an hour. */
export class GithubPrincipals {
  private readonly tokens: z.output<typeof TokenSpec>[];
  private readonly apps: z.output<typeof AppSpec>[];
  private readonly minted = new Map<string, { app: AppSpec; expiresAt: Date }>();
  private readonly now: () => Date;

  constructor(given: { tokens: TokenSpec[]; apps: AppSpec[]; now: () => Date }) {
    this.tokens = given.tokens.map((token) => TokenSpec.parse(token));
    this.apps = given.apps.map((app) => AppSpec.parse(app));
    this.now = given.now;
  }

  /** Undefined for a credential that is not known (401 Bad credentials); no credential is anonymous. */
  identify(headers: IncomingHttpHeaders): Principal | undefined {
    const credential = bearer(headers);
    if (credential === undefined) return ANONYMOUS;
    const known = this.tokens.find(({ token }) => token === credential);
    if (known) return reader(credential, known.repositories, known.push);
    const minted = this.minted.get(credential);
    if (minted && minted.expiresAt > this.now()) return reader(credential, minted.app.repositories, false);
    return undefined;
  }

  /** `POST /app/installations/{id}/access_tokens`: an installation token for a sound JWT of the app, else undefined. */
  mint(headers: IncomingHttpHeaders, installationId: number): { token: string; expiresAt: Date } | undefined {
    const app = this.apps.find((known) => known.installationId === installationId);
    if (!app || !isSignedBy(app, bearer(headers) ?? "", this.now())) return undefined;
    const minted = {
      token: `ghs_${randomBytes(18).toString("hex")}`,
      expiresAt: new Date(this.now().getTime() + TOKEN_LIFE_MS),
    };
    this.minted.set(minted.token, { app, expiresAt: minted.expiresAt });
    return minted;
  }

  /** From now on nobody knows the token, as if its owner had taken it back. */
  revoke(token: string): void {
    this.minted.delete(token);
    const index = this.tokens.findIndex((known) => known.token === token);
    if (index >= 0) this.tokens.splice(index, 1);
  }

  add(token: TokenSpec): void {
    this.tokens.push(TokenSpec.parse(token));
  }

  addApp(app: AppSpec): void {
    this.apps.push(AppSpec.parse(app));
  }
}

function reader(key: string, repositories: readonly string[] | undefined, push: boolean): Principal {
  const names = repositories?.map((name) => name.toLowerCase());
  return {
    key,
    authenticated: true,
    push,
    canRead: (name) => names === undefined || names.includes(name.toLowerCase()),
  };
}

/** `Bearer x`, `token x`, or Basic with the token as either half, as GitHub accepts them. */
function bearer(headers: IncomingHttpHeaders): string | undefined {
  const [scheme = "", value = ""] = (header(headers, "authorization") ?? "").split(/\s+/, 2);
  if (/^(bearer|token)$/i.test(scheme)) return value;
  if (!/^basic$/i.test(scheme)) return undefined;
  const [user = "", password = ""] = Buffer.from(value, "base64").toString().split(":", 2);
  return password === "" || password === "x-oauth-basic" ? user : password;
}

function isSignedBy(app: AppSpec, jwt: string, now: Date): boolean {
  const [head = "", payload = "", signature = ""] = jwt.split(".");
  const claims = Claims.safeParse(parseJson(payload));
  const isRs256 = z.object({ alg: z.literal("RS256") }).safeParse(parseJson(head)).success;
  if (!isRs256 || !claims.success || claims.data.iss !== app.appId) return false;
  const seconds = now.getTime() / 1000;
  if (claims.data.exp <= seconds || claims.data.exp - seconds > JWT_LIFE_SECONDS_MAX) return false;
  const key = createPublicKey(app.publicKey);
  return verify("RSA-SHA256", Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, "base64url"));
}

function parseJson(base64url: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64url, "base64url").toString());
  } catch {
    return undefined;
  }
}
