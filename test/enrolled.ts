import { expect } from "vitest";
import { deviceClient } from "./device-client.ts";
import { tailnetOfOne } from "./tailnet-of.ts";
import { world } from "./world.ts";

type World = ReturnType<typeof world>;

export const codeOf = (answer: { body: { error: { code: string } } }) => answer.body.error.code;

/** The code that a waiting sign-in shows. */
export const shownCode = (answer: { body: { error: { message: string } } }) =>
  /code is (\S+)\./.exec(answer.body.error.message)?.[1] ?? "";

/** As a client without keys signs in: with what every peer of the tailnet can see. */
export const claimsOnly = (w: World, tailscale: object, address = "192.0.2.1") =>
  w.request<{ token: string; token_type: string }>("POST", "/auth/cli", {
    body: { tailscale, cli_version: "0.1.0" },
    headers: { "cf-connecting-ip": address },
  });

/** The only person of a tailnet, with the laptop's key enrolled. */
export async function enrolled(settings: Parameters<typeof tailnetOfOne>[1] = {}) {
  const w = world();
  const tailnet = await tailnetOfOne(w, settings);
  const laptop = await deviceClient(w);
  const { token, token_type } = (await laptop.signIn(tailnet.claims())).body.data;
  expect(token_type).toBe("DPoP");
  return { w, tailnet, laptop, token };
}
