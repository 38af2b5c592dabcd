import type { JSONWebKeySet } from "jose";
import { z } from "zod";
import { AppError } from "#core/errors.ts";
import { causeText } from "#core/log.ts";
import type { TailnetSettings } from "#core/settings.ts";
import { TailscaleDevice, type TailnetLists, TailscaleUser } from "#core/tailscale.ts";
import type { Deps } from "#deps.ts";

const Devices = z.object({ devices: z.array(TailscaleDevice) });
const Users = z.object({ users: z.array(TailscaleUser) });
const AccessToken = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });
const KeySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) });

/** A token that ends within this long is fetched anew. */
const TOKEN_SPARE_SECONDS = 60;

type Tailnet = { name: string; settings: TailnetSettings };

/**
 * Devices and users of a tailnet, each listed once. Anything but a whole answer is `tailscale_unavailable`: what was not
 * seen is not a refusal, and revokes nothing.
 */
export async function listTailnet(deps: Deps, tailnet: Tailnet): Promise<TailnetLists> {
  const path = `/api/v2/tailnet/${encodeURIComponent(tailnet.name)}`;
  try {
    const [{ devices }, { users }] = await Promise.all([
      get(deps, tailnet, { path: `${path}/devices`, shape: Devices }),
      get(deps, tailnet, { path: `${path}/users`, shape: Users }),
    ]);
    return { devices, users };
  } catch (cause) {
    throw unavailable(deps, path, cause);
  }
}

/** The public keys of Tailscale's id-tokens. Asked for at each use: a first key is enrolled once per account. */
export async function fetchIdTokenKeys(deps: Deps): Promise<JSONWebKeySet> {
  const { http, settings } = deps;
  try {
    const response = await http(settings.TAILSCALE_ID_TOKEN_JWKS_URL);
    return KeySet.parse(await whole(response)) as JSONWebKeySet;
  } catch (cause) {
    throw unavailable(deps, "the id-token's keys", cause);
  }
}

async function get<T extends z.ZodType>(
  deps: Deps,
  tailnet: Tailnet,
  { path, shape }: { path: string; shape: T },
): Promise<z.infer<T>> {
  const { http, settings } = deps;
  const ask = async () =>
    http(settings.TAILSCALE_API_URL + path, {
      headers: { authorization: `Bearer ${await credential(deps, tailnet)}` },
    });
  const response = await ask();
  if (response.status !== 401 || !tailnet.settings.oauth_client) return shape.parse(await whole(response));
  // the token may have been withdrawn before its time: one more try with a new one
  await response.body?.cancel();
  forget(deps, tailnet);
  return shape.parse(await whole(await ask()));
}

async function whole(response: Response): Promise<unknown> {
  if (response.status === 200) return response.json();
  await response.body?.cancel();
  throw new Error(`it answered ${response.status}`);
}

/** The API key, or an access token that the OAuth client is given for it (RFC 6749, 4.4), kept until it ends. */
async function credential(deps: Deps, { name, settings }: Tailnet): Promise<string> {
  if (!settings.oauth_client) return settings.api_key ?? "";
  const { caches, clock, http } = deps;
  const known = caches.tailscaleTokens.get(name);
  const now = clock.now().getTime();
  if (known && known.untilMs > now) return known.token;
  const { client_id, client_secret } = settings.oauth_client;
  const response = await http(`${deps.settings.TAILSCALE_API_URL}/api/v2/oauth/token`, {
    method: "POST",
    body: new URLSearchParams({ grant_type: "client_credentials", client_id, client_secret }),
  });
  const { access_token, expires_in } = AccessToken.parse(await whole(response));
  const untilMs = now + (expires_in - TOKEN_SPARE_SECONDS) * 1000;
  caches.tailscaleTokens.set(name, { token: access_token, untilMs });
  return access_token;
}

const forget = ({ caches }: Deps, { name }: Tailnet) => caches.tailscaleTokens.set(name, { token: "", untilMs: 0 });

function unavailable({ log }: Deps, path: string, cause: unknown): AppError {
  log("tailscale.failed", { path, cause: causeText(cause) });
  return AppError.of("tailscale_unavailable", {}, { cause });
}
