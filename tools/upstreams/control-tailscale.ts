import { z } from "zod";
import { call } from "./control-call.ts";
import { defaultDevice, defaultUser } from "./seed-tailnets.ts";
import { Device, Tailnet, User } from "./tailnet.ts";
import type { TailscaleWorld } from "./tailscale-surface.ts";

const InTailnet = z.strictObject({ tailnet: z.string() });
/** What is left out stays as it was; for a new one it is what an ordinary device or member has. */
const DeviceChange = Device.partial().required({ nodeId: true });
const UserChange = User.partial().required({ id: true });

/** What a test may do to the Tailscale side. */
export function tailscaleControl(world: TailscaleWorld) {
  const within = (name: string) => {
    const found = world.tailnets.find((tailnet) => tailnet.name === name);
    if (found) return found;
    throw new Error(
      `there is no tailnet ${name}; there are ${world.tailnets.map((one) => one.name).join(", ") || "none"}`,
    );
  };
  return {
    tailnets: () => structuredClone(world.tailnets),
    putTailnet: call(Tailnet, (tailnet) => {
      replace(world.tailnets, (known) => known.name === tailnet.name, tailnet);
    }),
    removeTailnet: call(InTailnet, ({ tailnet }) => {
      remove(world.tailnets, within(tailnet));
    }),
    putDevice: call(InTailnet.extend({ device: DeviceChange }), (input) => {
      const tailnet = within(input.tailnet);
      const isSame = (known: Device) => known.nodeId === input.device.nodeId;
      const old =
        tailnet.devices.find(isSame) ?? defaultDevice(tailnet, { nodeId: input.device.nodeId, now: world.now() });
      const device = Device.parse({ ...old, ...input.device });
      replace(tailnet.devices, isSame, device);
      return device;
    }),
    removeDevice: call(InTailnet.extend({ nodeId: z.string() }), (input) => {
      const { devices } = within(input.tailnet);
      remove(
        devices,
        devices.find((device) => device.nodeId === input.nodeId),
      );
    }),
    /** What a program on that node gets from its tailscaled; `claims` falsifies. */
    mintIdToken: call(
      InTailnet.extend({
        nodeId: z.string(),
        audience: z.string(),
        claims: z.record(z.string(), z.unknown()).optional(),
      }),
      ({ nodeId, audience, claims, ...input }) => {
        const tailnet = within(input.tailnet);
        const device = tailnet.devices.find((one) => one.nodeId === nodeId);
        if (!device) throw new Error(`${tailnet.name} has no device ${nodeId}`);
        return { token: world.idTokens.mint({ tailnet, device, audience, claims }) };
      },
    ),
    putUser: call(InTailnet.extend({ user: UserChange }), (input) => {
      const tailnet = within(input.tailnet);
      const isSame = (known: User) => known.id === input.user.id;
      const old = tailnet.users.find(isSame) ?? defaultUser(tailnet, { id: input.user.id, now: world.now() });
      const user = User.parse({ ...old, ...input.user });
      replace(tailnet.users, isSame, user);
      return user;
    }),
    removeUser: call(InTailnet.extend({ id: z.string() }), (input) => {
      const { users } = within(input.tailnet);
      remove(
        users,
        users.find((user) => user.id === input.id),
      );
    }),
  };
}

function replace<T>(list: T[], isSame: (item: T) => boolean, item: T): void {
  const index = list.findIndex(isSame);
  if (index < 0) list.push(item);
  else list[index] = item;
}

function remove<T>(list: T[], item: T | undefined): void {
  if (item === undefined) throw new Error("there is nothing of that name to remove");
  list.splice(list.indexOf(item), 1);
}
