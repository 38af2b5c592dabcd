import { randomBytes } from "node:crypto";
import {
  header,
  jsonAnswer,
  matchRoute,
  type Answer,
  type Incoming,
  type Params,
  type Surface,
} from "./http-kernel.ts";
import type { IdTokenIssuer } from "./id-tokens.ts";
import type { Device, OauthClient, Tailnet } from "./tailnet.ts";

/** Where the public keys of id-tokens are, as on login.tailscale.com. */
export const KEY_SET_PATH = "/.well-known/jwks.json";

/** Tokens of OAuth clients live an hour (Tailscale's documentation, "OAuth clients"). */
const TOKEN_LIFE_SECONDS = 3600;

type Minted = { readonly tailnet: string; readonly scopes: readonly string[]; readonly expiresAtMs: number };

/** Everything that the Tailscale side remembers. */
export type TailscaleWorld = {
  readonly now: () => Date;
  readonly tailnets: Tailnet[];
  readonly minted: Map<string, Minted>;
  readonly idTokens: IdTokenIssuer;
};

/** A credential, reduced to what it opens. */
type Actor = { readonly tailnet: Tailnet; may(scope: string): boolean };

type Call = { world: TailscaleWorld; actor: Actor; request: Incoming; params: Params };
type TailscaleRoute = { method: string; pattern: string; scope: string; handle(call: Call): Answer };

const error = (status: number, message: string) => jsonAnswer(status, { message });
const NOT_FOUND = error(404, "not found");

const ROUTES: readonly TailscaleRoute[] = [
  { method: "GET", pattern: "/tailnet/:tailnet/devices", scope: "devices:core", handle: listDevices },
  { method: "GET", pattern: "/device/:id", scope: "devices:core", handle: oneDevice },
  { method: "GET", pattern: "/tailnet/:tailnet/users", scope: "users", handle: listUsers },
  { method: "GET", pattern: "/users/:id", scope: "users", handle: oneUser },
];

/** Tailscale's API v2: devices, users and the token endpoint of OAuth clients. Errors are `{"message"}`. */
export function tailscaleSurface(world: TailscaleWorld): Surface {
  return {
    name: "tailscale",
    prefix: "/tailscale",
    answer(request) {
      if (request.path === KEY_SET_PATH) return jsonAnswer(200, world.idTokens.keySet());
      if (!request.path.startsWith("/api/v2/")) return NOT_FOUND;
      const path = request.path.slice("/api/v2".length);
      if (path === "/oauth/token") {
        return request.method === "POST" ? mintToken(world, request) : error(405, "method not allowed");
      }
      const matched = matchRoute(ROUTES, { method: request.method, path });
      const named = matched?.params.tailnet;
      const actor = identify(world, request, named);
      if (!actor) return error(401, "API token invalid");
      if (!matched) return NOT_FOUND;
      if (!actor.may(matched.route.scope)) {
        return error(403, "calling actor does not have enough permissions to perform this function");
      }
      // Another's tailnet and one that does not exist look alike; `-` is the credential's own.
      if (named !== undefined && ![actor.tailnet.name, actor.tailnet.id, "-"].includes(named)) return NOT_FOUND;
      return matched.route.handle({ world, actor, request, params: matched.params });
    },
  };
}

/** `?fields=all` adds the routes; other parameters are exact filters on top-level properties, all of which must hold. */
function listDevices({ actor, request }: Call): Answer {
  const filters = [...request.url.searchParams].filter(([name]) => name !== "fields");
  const devices = actor.tailnet.devices.filter((device) => filters.every((filter) => passes(device, filter)));
  return jsonAnswer(200, { devices: devices.map((device) => shown(device, request)) });
}

function passes(device: Device, [name, wanted]: [string, string]): boolean {
  const value: unknown = new Map(Object.entries(device)).get(name);
  return Array.isArray(value) ? value.includes(wanted) : String(value) === wanted;
}

function shown(device: Device, request: Incoming): Partial<Device> {
  const { enabledRoutes, advertisedRoutes, ...fields } = device;
  return request.url.searchParams.get("fields") === "all" ? { ...fields, enabledRoutes, advertisedRoutes } : fields;
}

/** By the preferred id or the older numeric one. */
function oneDevice({ actor, request, params }: Call): Answer {
  const device = actor.tailnet.devices.find((one) => one.nodeId === params.id || one.id === params.id);
  return device ? jsonAnswer(200, shown(device, request)) : NOT_FOUND;
}

/** Without `type` only members are listed: people of other tailnets who share a device in are not. */
function listUsers({ actor, request }: Call): Answer {
  const type = request.url.searchParams.get("type") ?? "member";
  const role = request.url.searchParams.get("role") ?? "all";
  const users = actor.tailnet.users.filter(
    (user) => (type === "all" || user.type === type) && (role === "all" || user.role === role),
  );
  return jsonAnswer(200, { users });
}

function oneUser({ actor, params }: Call): Answer {
  const user = actor.tailnet.users.find((one) => one.id === params.id);
  return user ? jsonAnswer(200, user) : NOT_FOUND;
}

/**
 * A bearer token, or the token as the user of Basic authentication with an empty password. Of the tailnets that a key
 * opens, the one that the path names.
 */
function identify(world: TailscaleWorld, request: Incoming, named: string | undefined): Actor | undefined {
  const credential = authorization(request).user;
  const opened = world.tailnets.filter((tailnet) => tailnet.apiKeys.includes(credential));
  const owner = opened.find((tailnet) => tailnet.name === named || tailnet.id === named) ?? opened[0];
  if (owner) return { tailnet: owner, may: () => true };
  const minted = world.minted.get(credential);
  const tailnet = world.tailnets.find((one) => one.name === minted?.tailnet);
  if (!minted || !tailnet || minted.expiresAtMs <= world.now().getTime()) return undefined;
  return { tailnet, may: (scope) => grants(minted.scopes, scope) };
}

/** Every route here only reads: the scope, its `:read` form, or those over everything. */
const grants = (scopes: readonly string[], scope: string) =>
  [scope, `${scope}:read`, "all", "all:read"].some((one) => scopes.includes(one));

function authorization(request: Incoming): { user: string; password: string } {
  const [scheme = "", value = ""] = (header(request.headers, "authorization") ?? "").split(/\s+/, 2);
  if (/^bearer$/i.test(scheme)) return { user: value, password: "" };
  if (!/^basic$/i.test(scheme)) return { user: "", password: "" };
  const [user = "", password = ""] = Buffer.from(value, "base64").toString().split(":", 2);
  return { user, password };
}

/** RFC 6749, 4.4: the client's id and secret in the form or by Basic authentication; `scope` may narrow. */
function mintToken(world: TailscaleWorld, request: Incoming): Answer {
  const form = new URLSearchParams(new TextDecoder().decode(request.body));
  const basic = authorization(request);
  const grant = form.get("grant_type") ?? "client_credentials";
  if (grant !== "client_credentials") return error(400, "unsupported grant type");
  const id = form.get("client_id") ?? basic.user;
  const secret = form.get("client_secret") ?? basic.password;
  const found = findClient(world, id, secret);
  if (!found) return error(401, "API token invalid");
  const asked = (form.get("scope") ?? "").split(" ").filter((scope) => scope !== "");
  if (!asked.every((scope) => found.client.scopes.includes(scope)))
    return error(403, "requested scopes are not permitted");
  const scopes = asked.length > 0 ? asked : found.client.scopes;
  const token = `tskey-api-${randomBytes(16).toString("hex")}`;
  const expiresAtMs = world.now().getTime() + TOKEN_LIFE_SECONDS * 1000;
  world.minted.set(token, { tailnet: found.tailnet.name, scopes, expiresAtMs });
  return jsonAnswer(200, {
    access_token: token,
    token_type: "Bearer",
    expires_in: TOKEN_LIFE_SECONDS,
    scope: scopes.join(" "),
  });
}

function findClient(
  world: TailscaleWorld,
  id: string,
  secret: string,
): { tailnet: Tailnet; client: OauthClient } | undefined {
  for (const tailnet of world.tailnets) {
    const client = tailnet.oauthClients.find((one) => one.clientId === id && one.clientSecret === secret);
    if (client) return { tailnet, client };
  }
  return undefined;
}
