import type { TailscaleClaims } from "#core/tailscale.ts";
import type { Upstreams } from "../upstreams/start-upstreams.ts";

/** What a device of the local tailnets says of itself in POST /auth/cli. Throws where the upstreams know no such device. */
export function localClaims(
  upstreams: Upstreams,
  { tailnet, hostname }: { tailnet: string; hostname: string },
): TailscaleClaims {
  const found = upstreams.control.tailnets().find(({ name }) => name === tailnet);
  const device = found?.devices.find((one) => one.hostname === hostname);
  const user = found?.users.find(({ loginName }) => loginName === device?.user);
  if (!device || !user) throw new Error(`${tailnet} has no device ${hostname} with an owner`);
  return {
    user_id: user.id,
    login_name: user.loginName,
    device_id: device.nodeId,
    device_hostname: device.hostname,
    tailnet,
  };
}
