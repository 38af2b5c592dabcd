import type { Api } from "../api/client.ts";
import { Device } from "../api/shapes.ts";
import { CliError } from "../cli-error.ts";
import type { Session } from "../settings.ts";
import { CLI_VERSION } from "../version.ts";

/** Tells the server which Podman is here, so that it can say which versions fit. Not being heard stops nothing. */
export async function describeDevice(of: {
  api: Api;
  session: Session | null;
  podmanVersion: string;
  warn: (text: string) => void;
}): Promise<void> {
  if (!of.session) return; // with LEGER_TOKEN alone the device's id is not known
  try {
    await of.api.call({
      method: "PUT",
      path: `/devices/${encodeURIComponent(of.session.device_id)}`,
      body: { podman_version: of.podmanVersion, agent_version: `leger ${CLI_VERSION}` },
      shape: Device,
    });
  } catch (cause) {
    if (!(cause instanceof CliError)) throw cause;
    of.warn(`The server was not told about this machine: ${cause.message}`);
  }
}
