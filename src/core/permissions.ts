import { z } from "zod";

/** Classes of tokens (document 002): a person by API, by CLI or by web page, and the daemon on a device. */
export const TokenScope = z.enum(["user", "cli", "web", "legerd"]);
export type TokenScope = z.infer<typeof TokenScope>;

export type Role = "viewer" | "editor" | "publisher" | "admin";

/** From the least to the most; each includes the ones before it. */
const ROLES: readonly Role[] = ["viewer", "editor", "publisher", "admin"];

type Rule = {
  readonly scopes: readonly TokenScope[];
  /** The least role in the workspace. */
  readonly role: Role;
  /** Besides, the login must be named in OPERATOR_LOGINS. */
  readonly operator?: true;
  /** A generator's token may be given it. */
  readonly generators?: true;
};

const PERSON = ["user", "cli", "web"] as const;
const EVERYBODY = ["user", "cli", "web", "legerd"] as const;

/**
 * The one table of who may do what: document 002's access control matrix with DESIGN 16's corrections. A row is a
 * permission; a route names the one that it needs (`x-permission`), and an action asks for the same. A test prints it and
 * walks every operation of openapi.json with a token of every scope.
 */
export const PERMISSIONS = {
  "config:read": { scopes: EVERYBODY, role: "viewer", generators: true },
  "config:write": { scopes: PERSON, role: "editor", generators: true },
  /** Erasing the content of what is deleted, for good. */
  "config:purge": { scopes: PERSON, role: "admin" },
  "deployments:report": { scopes: ["cli", "legerd"], role: "viewer" },
  /** Machines belong to no namespace, so a generator that is bound to one has no business there. */
  "devices:read": { scopes: EVERYBODY, role: "viewer" },
  /** Facts of the device that asks; labels besides take `config:write`. */
  "devices:describe": { scopes: EVERYBODY, role: "viewer" },
  /** Names and facts of secrets, never a value. */
  "secrets:list": { scopes: EVERYBODY, role: "viewer" },
  /** Values. A viewer of a team may see how it is deployed, and not what opens it. */
  "secrets:read": { scopes: EVERYBODY, role: "editor" },
  "secrets:write": { scopes: PERSON, role: "editor" },
  /** Everything that the workspace owns, in one stream. */
  "workspace:export": { scopes: PERSON, role: "viewer" },
  "schemas:read": { scopes: PERSON, role: "viewer", generators: true },
  /** Machine identities of the workspace. Never a generator's own: it cannot make another. */
  "generators:manage": { scopes: PERSON, role: "editor" },
  "audit:read": { scopes: PERSON, role: "viewer" },
  /** What a token says of itself. */
  "self:read": { scopes: EVERYBODY, role: "viewer" },
  /** Devices, sessions, keys and further tokens of one's own account. */
  "account:manage": { scopes: PERSON, role: "viewer" },
  /** Comes from configuration, never from sign-in. */
  operator: { scopes: PERSON, role: "viewer", operator: true },
} as const satisfies Record<string, Rule>;

export type Permission = keyof typeof PERMISSIONS;
export const PERMISSION_NAMES = Object.keys(PERMISSIONS) as readonly Permission[];

const ruleOf = (permission: Permission): Rule => PERMISSIONS[permission];

export const scopeHas = (scope: TokenScope, permission: Permission): boolean =>
  ruleOf(permission).scopes.includes(scope);

export const roleHas = (role: Role, permission: Permission): boolean =>
  ROLES.indexOf(role) >= ROLES.indexOf(ruleOf(permission).role);

export const mayBeGenerators = (permission: Permission): boolean => ruleOf(permission).generators === true;

export const isForOperators = (permission: Permission): boolean => ruleOf(permission).operator === true;

/** Whether a token of `scope` may do nothing that one of `than` may not. */
export const isNotWider = (scope: TokenScope, than: TokenScope): boolean =>
  PERMISSION_NAMES.every((permission) => !scopeHas(scope, permission) || scopeHas(than, permission));
