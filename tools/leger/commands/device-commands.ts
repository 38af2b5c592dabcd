import { Device, DevicePage, OwnDevices, WaitingSignIn } from "../api/shapes.ts";
import { readPages } from "../api/read-pages.ts";
import { CliError, EXIT, usageError } from "../cli-error.ts";
import { leaf } from "../leaf.ts";
import { minute, table } from "../output.ts";
import type { Api } from "../api/client.ts";

const allDevices = (api: Api) => readPages(api, { path: "/devices", shape: DevicePage, items: (page) => page.devices });

export const devicesListCommand = () =>
  leaf({
    name: "list",
    description: "The machines of this workspace.",
    run: async ({ api, out }) => {
      const devices = await allDevices(api);
      const rows = devices.map((one) => [
        one.hostname,
        one.device_id,
        one.podman_version ?? "-",
        one.is_revoked ? "revoked" : one.is_offline ? "offline" : "online",
        minute(one.last_seen),
        labelText(one),
      ]);
      out.result({ devices }, table(rows, ["HOST", "ID", "PODMAN", "STATE", "SEEN", "LABELS"]));
    },
  });

const labelText = ({ labels }: Device) =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ") || "-";

export const devicesLabelCommand = () =>
  leaf({
    name: "label",
    description: "Set and take away labels of a device; what is not named stays.",
    declare: (command) =>
      command.argument("<device>", "host name or id").argument("<labels...>", "KEY=VALUE sets, KEY- takes away"),
    examples: ["leger devices label alice-laptop site=home gpu-"],
    run: async ({ api, out, args }) => {
      const [wanted = "", ...changes] = args;
      const device = await findDevice(api, wanted);
      const labels = { ...device.labels };
      for (const change of changes) {
        const set = /^([^=]+)=(.*)$/.exec(change);
        if (set) labels[set[1] ?? ""] = set[2] ?? "";
        else if (change.endsWith("-")) delete labels[change.slice(0, -1)];
        else throw usageError(`${change} is neither KEY=VALUE nor KEY-.`);
      }
      const path = `/devices/${encodeURIComponent(device.device_id)}`;
      const { data } = await api.call({ method: "PUT", path, body: { labels }, shape: Device });
      out.result(data, [`${data.hostname}: ${labelText(data)}`]);
    },
  });

async function findDevice(api: Api, wanted: string): Promise<Device> {
  const found = (await allDevices(api)).filter(
    ({ device_id, hostname }) => device_id === wanted || hostname === wanted,
  );
  const [device, second] = found;
  if (!device || second)
    throw new CliError(EXIT.failed, {
      code: device ? "device_ambiguous" : "device_not_found",
      message: device ? `${found.length} devices are called ${wanted}.` : `There is no device ${wanted}.`,
      action: "leger devices list names them; give the id.",
    });
  return device;
}

export const devicesWaitingCommand = () =>
  leaf({
    name: "waiting",
    description: "Sign-ins that wait for your approval; their codes are on their own screens only.",
    run: async ({ api, out }) => {
      const { data } = await api.call({ path: "/auth/devices", shape: OwnDevices });
      const rows = data.waiting.map(({ hostname, tailnet, state, requested_at }) => [
        hostname,
        tailnet,
        state,
        minute(requested_at),
      ]);
      out.result(data, rows.length > 0 ? table(rows, ["HOST", "TAILNET", "STATE", "SINCE"]) : ["Nobody waits."]);
    },
  });

export const devicesApproveCommand = () =>
  leaf<{ deny?: true }>({
    name: "approve",
    description: "Let a new device in, by the code on its screen. This device must have a key (leger login --key).",
    declare: (command) => command.argument("<code>", "like 7K2M-9QXD").option("--deny", "refuse it"),
    run: async ({ api, out, args, options }) => {
      const body = { code: args[0] ?? "", decision: options.deny ? "deny" : "approve" };
      const { data } = await api.call({ method: "POST", path: "/auth/devices", body, shape: WaitingSignIn });
      out.result(data, [`${data.hostname} (${data.tailnet}) is ${data.state}.`]);
    },
  });
