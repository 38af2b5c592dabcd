import type { Settings } from "#core/settings.ts";
import { control } from "./upstream-control.ts";
import type { world } from "./world.ts";

type World = ReturnType<typeof world>;

/**
 * A tailnet of this world's own in the local upstreams, with the person that `members` lists first and two devices of
 * theirs, and this worker's settings for it. The upstreams run on real time, so the world's clock does from now on.
 */
export async function tailnetOf(
  w: World,
  members: readonly string[],
  settings: { trust_claims?: boolean; limits?: Settings["RATE_LIMITS"] } = {},
) {
  w.clock.at = new Date();
  const name = `${w.name}.ts.net`;
  const [owner = ""] = members;
  const login = (member: string) => `${member}-${w.name}@example.com`;
  const userId = (member: string) => `u-${member}-${w.name}`;
  const deviceId = (host: string) => `n-${host}-${w.name}`;
  await control("putTailnet", {
    id: `T${w.name}`,
    name,
    apiKeys: [`key-${w.name}`],
    oauthClients: [
      { clientId: `client-${w.name}`, clientSecret: `secret-${w.name}`, scopes: ["devices:core:read", "users:read"] },
    ],
    users: [],
    devices: [],
  });
  for (const member of members)
    await control("putUser", {
      tailnet: name,
      user: { id: userId(member), loginName: login(member), displayName: member },
    });
  const putDevice = (host: string, change: object = {}) =>
    control("putDevice", {
      tailnet: name,
      device: { nodeId: deviceId(host), hostname: host, name: `${host}.${name}`, user: login(owner), ...change },
    });
  await putDevice("laptop");
  await putDevice("server");
  w.deps.settings = {
    ...w.deps.settings,
    // what a test does in a second is what ten people do in an hour
    RATE_LIMITS: settings.limits ?? {
      authentication: 10_000,
      failed_sign_ins: 10_000,
      failed_sign_ins_of_device: 10_000,
    },
    TAILSCALE_TAILNETS: { [name]: { api_key: `key-${w.name}`, trust_claims: settings.trust_claims ?? false } },
  };
  return {
    name,
    login,
    userId,
    deviceId,
    putDevice,
    removeDevice: (host: string) => control("removeDevice", { tailnet: name, nodeId: deviceId(host) }),
    /** What a device says of itself in POST /auth/cli. */
    claims: (host = "laptop", member = owner) => ({
      user_id: userId(member),
      login_name: login(member),
      device_id: deviceId(host),
      device_hostname: host,
      tailnet: name,
    }),
    idToken: async (host: string, audience: string, claims?: object) =>
      (await control<{ token: string }>("mintIdToken", { tailnet: name, nodeId: deviceId(host), audience, claims }))
        .token,
  };
}

export const tailnetOfOne = (w: World, settings: Parameters<typeof tailnetOf>[2] = {}) =>
  tailnetOf(w, ["erin"], settings);
