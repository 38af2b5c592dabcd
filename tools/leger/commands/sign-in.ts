import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { TailscaleClaims } from "#core/tailscale.ts";
import { type Api, makeApi } from "../api/client.ts";
import { type DeviceKey, ensureDeviceKey, readDeviceKey, thumbprintOf } from "../api/device-key.ts";
import { SignedIn } from "../api/shapes.ts";
import { CliError } from "../cli-error.ts";
import type { Output } from "../output.ts";
import { CLI_VERSION } from "../version.ts";

type SignIn = { server: string; claims: TailscaleClaims; code: string | undefined; withKey: boolean; out: Output };

/** How often a device that waits for its approval asks, and how long (the server keeps the request for 15 minutes). */
const ASK_SECONDS = 5;
const WAIT_SECONDS = 15 * 60;

/**
 * Signs in by claims where they suffice, and with this device's key where it has one, is asked for one, or somebody wants one. A new
 * key needs somebody's word: Tailscale's id-token for the first, a code, or an enrolled device, for which it waits.
 */
export async function signIn(of: SignIn): Promise<z.infer<typeof SignedIn>> {
  const { server, claims, code, out } = of;
  const key = of.withKey || code !== undefined ? ensureDeviceKey() : readDeviceKey();
  if (key) return signInWithKey(of, key);
  try {
    return await post(makeApi({ server, token: null, key: null, say: out.progress }), { claims, code });
  } catch (cause) {
    if (!(cause instanceof CliError) || !ASKS_FOR_A_KEY.has(cause.code)) throw cause;
    out.progress(cause.message);
    return signInWithKey(of, ensureDeviceKey());
  }
}

const ASKS_FOR_A_KEY = new Set(["device_key_required", "device_proof_required", "approval_pending"]);

async function signInWithKey({ server, claims, code, out }: SignIn, key: DeviceKey): Promise<z.infer<typeof SignedIn>> {
  const api = makeApi({ server, token: null, key, say: out.progress });
  const until = performance.now() + WAIT_SECONDS * 1000;
  let hasAskedTailscale = false;
  let said = "";
  for (let idToken: string | undefined; ;) {
    try {
      return await post(api, { claims, code, ...(idToken !== undefined && { id_token: idToken }) });
    } catch (cause) {
      if (!(cause instanceof CliError)) throw cause;
      if (cause.code === "device_key_required" && !hasAskedTailscale) {
        hasAskedTailscale = true;
        idToken = await askForIdToken(
          `${process.env["LEGER_ISSUER"] || server}/enrol/${api.nonce() ?? ""}/${thumbprintOf(key)}`,
        );
        if (idToken !== undefined) continue;
      }
      if (cause.code !== "approval_pending" || performance.now() > until) throw cause;
      if (cause.message !== said) out.progress(`${cause.message} On an enrolled device: leger devices approve CODE`);
      said = cause.message;
      await sleep(ASK_SECONDS * 1000);
    }
  }
}

const post = async (api: Api, body: { claims: TailscaleClaims; code: string | undefined; id_token?: string }) => {
  const { claims, code, id_token } = body;
  const { data } = await api.call({
    method: "POST",
    path: "/auth/cli",
    body: {
      tailscale: claims,
      cli_version: CLI_VERSION,
      ...(code !== undefined && { code }),
      ...(id_token !== undefined && { id_token }),
    },
    shape: SignedIn,
  });
  return data;
};

const TAILSCALED = "/var/run/tailscale/tailscaled.sock";
const IdToken = z.object({ id_token: z.string() });

/** Tailscale's signed word on who this node is (tailscaled's local API), undefined where there is none to ask. */
function askForIdToken(audience: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const path = `/localapi/v0/id-token?aud=${encodeURIComponent(audience)}`;
    const options = { socketPath: TAILSCALED, path, headers: { host: "local-tailscaled.sock" }, timeout: 10_000 };
    const asked = request(options, (response) => {
      let text = "";
      response.on("data", (chunk) => (text += String(chunk)));
      response.on("end", () => resolve(readIdToken(text)));
    });
    asked.on("error", () => resolve(undefined));
    asked.on("timeout", () => asked.destroy());
    asked.end();
  });
}

function readIdToken(text: string): string | undefined {
  try {
    return IdToken.parse(JSON.parse(text)).id_token;
  } catch {
    return undefined;
  }
}
