import { SignedIn } from "../api/shapes.ts";
import { makeApi } from "../api/client.ts";
import { leaf } from "../leaf.ts";
import { table } from "../output.ts";
import { type Session, removeSession, writeSession } from "../settings.ts";
import { CLI_VERSION } from "../version.ts";
import { readClaims } from "./read-claims.ts";

export const loginCommand = () =>
  leaf<{ claims?: string }>({
    name: "login",
    description: "Sign this device in by its Tailscale identity; the token is kept for 30 days.",
    declare: (command) =>
      command.option("--claims <file>", "what to say of this device, as JSON, instead of asking `tailscale status`"),
    examples: ["leger login", "LEGER_API_URL=https://leger.example.ts.net leger login"],
    needsToken: false,
    run: async ({ out, server, options }) => {
      const claims = await readClaims(options.claims);
      out.progress(`signing ${claims.device_hostname} in at ${server}`);
      const { data } = await makeApi({ server, token: null, say: out.progress }).call({
        method: "POST",
        path: "/auth/cli",
        body: { tailscale: claims, cli_version: CLI_VERSION },
        shape: SignedIn,
      });
      const session: Session = {
        format: 1,
        server,
        token: data.token,
        expires_at: new Date(Date.now() + data.expires_in * 1000).toISOString(),
        user_uuid: data.user_uuid,
        login: data.user.tailscale_email,
        display_name: data.user.display_name,
        device_id: claims.device_id,
        device_hostname: claims.device_hostname,
      };
      writeSession(session);
      const days = Math.floor(data.expires_in / 86_400);
      out.result(publicPart(session), [
        `Signed in as ${data.user.display_name ?? data.user.tailscale_email} on ${claims.device_hostname}, for ${days} days.`,
      ]);
    },
  });

export const logoutCommand = () =>
  leaf({
    name: "logout",
    description: "Forget the token on this machine.",
    needsToken: false,
    run: ({ out, session }) => {
      removeSession();
      out.result({ signed_out: session !== null }, [
        session ? `Signed out of ${session.server}.` : "Nobody was signed in.",
      ]);
      return Promise.resolve();
    },
  });

export const whoamiCommand = () =>
  leaf({
    name: "whoami",
    description: "Say who is signed in where, and ask the server whether the token holds.",
    run: async ({ api, out, server, session }) => {
      await api.download({ path: "/configurations", query: { limit: 1 } });
      if (!session) {
        out.result({ server, token: "LEGER_TOKEN" }, [`The token of LEGER_TOKEN holds at ${server}.`]);
        return;
      }
      out.result(publicPart(session), [
        ...table([
          ["user", `${session.display_name ?? "-"} (${session.login})`],
          ["device", `${session.device_hostname} (${session.device_id})`],
          ["server", session.server],
          ["token", `holds, until ${session.expires_at.slice(0, 10)}`],
        ]),
      ]);
    },
  });

const publicPart = ({ token: _, ...rest }: Session) => rest;
