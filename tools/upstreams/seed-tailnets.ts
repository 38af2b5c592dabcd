import { createHash } from "node:crypto";
import { LOCAL_TAILSCALE_KEY } from "../local-secrets.ts";
import type { Device, Tailnet, User } from "./tailnet.ts";

/** Time zero of Go: what Tailscale writes for a key that never expires. */
const NEVER = "0001-01-01T00:00:00Z";
const DAY_MS = 86_400_000;

/**
 * Two tailnets. `example.ts.net` is one person's: alice (the user of document 000) with a laptop and a server.
 * `team.ts.net` is bob's and carol's, and has one device of each kind that must be refused: tagged, shared in from
 * outside, not authorised, expired. Times are relative to `now`.
 */
export function seedTailnets(now: Date): Tailnet[] {
  const at = daysFrom(now);
  const alice = user({ id: "u123456789", login: "alice@github", name: "Alice Smith", role: "owner" }, at);
  const bob = user({ id: "u223456789", login: "bob@example.com", name: "Bob Jones", role: "owner" }, at);
  const carol = user({ id: "u323456789", login: "carol@example.com", name: "Carol White", role: "member" }, at);
  const dave = {
    ...user({ id: "u423456789", login: "dave@example.org", name: "Dave Brown", role: "member" }, at),
    type: "shared" as const,
  };
  const device = (of: DeviceOf) => makeDevice(of, at);
  return [
    tailnet(
      "example.ts.net",
      [alice],
      [
        device({ number: 1, host: "alice-laptop", login: alice.loginName }),
        {
          ...device({ number: 2, host: "alice-server", login: alice.loginName }),
          ...connected,
          keyExpiryDisabled: true,
          expires: NEVER,
        },
      ],
    ),
    tailnet(
      "team.ts.net",
      [bob, carol, dave],
      [
        device({ number: 11, host: "bob-laptop", login: bob.loginName }),
        device({ number: 12, host: "carol-laptop", login: carol.loginName }),
        {
          ...device({ number: 13, host: "ci-runner", login: bob.loginName }),
          tags: ["tag:ci"],
          keyExpiryDisabled: true,
          expires: NEVER,
        },
        {
          ...device({ number: 14, host: "dave-nas", login: dave.loginName }),
          isExternal: true,
          clientVersion: "",
          created: "",
          machineKey: "",
        },
        { ...device({ number: 15, host: "carol-tablet", login: carol.loginName }), authorized: false },
        { ...device({ number: 16, host: "bob-old-laptop", login: bob.loginName }), expires: at(-3), lastSeen: at(-4) },
      ],
    ),
  ];
}

type Days = (days: number) => string;

/** Days from `now` as Tailscale writes instants. */
const daysFrom =
  (now: Date): Days =>
  (days) =>
    new Date(now.getTime() + days * DAY_MS).toISOString().replace(/\.\d{3}Z$/, "Z");

/** An ordinary device of the tailnet's first person, for a test that only cares about one field. */
export function defaultDevice(tailnet: Tailnet, of: { nodeId: string; now: Date }): Device {
  const login = tailnet.users[0]?.loginName ?? "";
  const host = of.nodeId.toLowerCase();
  const device = makeDevice({ number: 100 + tailnet.devices.length, host, login }, daysFrom(of.now));
  return { ...device, nodeId: of.nodeId, name: `${host}.${tailnet.name}` };
}

export function defaultUser(tailnet: Tailnet, of: { id: string; now: Date }): User {
  const member = user({ id: of.id, login: `${of.id}@example.com`, name: of.id, role: "member" }, daysFrom(of.now));
  return { ...member, tailnetId: tailnet.id };
}

function tailnet(name: string, users: User[], devices: Device[]): Tailnet {
  const short = name.split(".")[0] ?? name;
  const named = devices.map((device) => ({ ...device, name: `${device.hostname}.${name}` }));
  return {
    id: `T${short}CNTRL`,
    name,
    // The second one opens both tailnets, as no real key does: it is what `npm start` gives the worker for each.
    apiKeys: [`tskey-api-local-${short}`, LOCAL_TAILSCALE_KEY],
    oauthClients: [
      {
        clientId: `k-local-${short}`,
        clientSecret: `tskey-client-local-${short}`,
        scopes: ["devices:core:read", "users:read"],
      },
    ],
    users: users.map((user) => ({
      ...user,
      tailnetId: `T${short}CNTRL`,
      deviceCount: named.filter((device) => device.user === user.loginName).length,
    })),
    devices: named,
  };
}

function user(of: { id: string; login: string; name: string; role: User["role"] }, at: Days): User {
  return {
    id: of.id,
    displayName: of.name,
    loginName: of.login,
    profilePicUrl: "",
    tailnetId: "",
    created: at(-400),
    type: "member",
    role: of.role,
    status: "active",
    deviceCount: 0,
    lastSeen: at(0),
    currentlyConnected: true,
  };
}

type DeviceOf = { number: number; host: string; login: string };

/** While a device is connected the API leaves out when it was last seen. */
const connected = { connectedToControl: true, lastSeen: undefined };

/** An authorised, untagged member of the tailnet whose key is good for months. Ids have the forms of the real ones. */
function makeDevice(of: DeviceOf, at: Days): Device {
  const digest = createHash("sha256").update(of.host).digest("hex");
  return {
    addresses: [`100.64.0.${of.number}`, `fd7a:115c:a1e0::${of.number}`],
    id: String(9_876_543_200 + of.number),
    nodeId: `n${digest.slice(0, 8)}${of.number}CNTRL`,
    user: of.login,
    name: of.host,
    hostname: of.host,
    clientVersion: "1.90.2-t9d2c1f3a1-g1b3d5f7a9",
    updateAvailable: false,
    os: "linux",
    created: at(-200),
    connectedToControl: false,
    lastSeen: at(0),
    keyExpiryDisabled: false,
    expires: at(120),
    authorized: true,
    isExternal: false,
    isEphemeral: false,
    machineKey: `mkey:${digest}`,
    nodeKey: `nodekey:${digest.split("").toReversed().join("")}`,
    blocksIncomingConnections: false,
    tailnetLockKey: `nlpub:${digest}`,
    tailnetLockError: "",
    enabledRoutes: [],
    advertisedRoutes: [],
  };
}
