import { z } from "zod";
import { Sessions, WhoAmI } from "../api/shapes.ts";
import { CliError } from "../cli-error.ts";
import { leaf } from "../leaf.ts";
import { table } from "../output.ts";
import { Session, removeSession, writeSession } from "../settings.ts";
import { readClaims } from "./read-claims.ts";
import { signIn } from "./sign-in.ts";

export const loginCommand = () =>
  leaf<{ claims?: string; key?: true; code?: string }>({
    name: "login",
    description: "Sign this device in by its Tailscale identity; the token is kept for 30 days.",
    declare: (command) =>
      command
        .option("--claims <file>", "what to say of this device, as JSON, instead of asking `tailscale status`")
        .option("--key", "enrol a key of this device, also where the server asks for none")
        .option("--code <code>", "an enrolment code of the operator's, or a recovery code"),
    examples: ["leger login", "LEGER_API_URL=https://leger.example.ts.net leger login --key"],
    needsToken: false,
    run: async ({ out, server, options }) => {
      const claims = await readClaims(options.claims);
      out.progress(`signing ${claims.device_hostname} in at ${server}`);
      const data = await signIn({ server, claims, code: options.code, withKey: options.key === true, out });
      const session: Session = {
        format: 1,
        server,
        token: data.token,
        token_type: data.token_type,
        expires_at: new Date(Date.now() + data.expires_in * 1000).toISOString(),
        user_uuid: data.user_uuid,
        login: data.user.tailscale_email,
        display_name: data.user.display_name,
        device_id: claims.device_id,
        device_hostname: claims.device_hostname,
      };
      writeSession(session);
      const days = Math.floor(data.expires_in / 86_400);
      const bound = data.token_type === "DPoP" ? ", bound to this device's key" : "";
      out.result(publicPart(session), [
        `Signed in as ${data.user.display_name ?? data.user.tailscale_email} on ${claims.device_hostname}, for ${days} days${bound}.`,
      ]);
    },
  });

export const logoutCommand = () =>
  leaf<{ all?: true }>({
    name: "logout",
    description: "End this device's session on the server, and forget the token here.",
    declare: (command) => command.option("--all", "end the sessions of your other devices too"),
    needsToken: false,
    run: async ({ api, out, session, options }) => {
      if (!session) {
        out.result({ signed_out: false }, ["Nobody was signed in."]);
        return;
      }
      try {
        if (options.all) await api.call({ method: "DELETE", path: "/auth/sessions", shape: z.unknown() });
        const { data } = await api.call({ path: "/auth/sessions", shape: Sessions });
        const own = data.sessions.find(({ is_current }) => is_current);
        if (own)
          await api.call({
            method: "DELETE",
            path: `/auth/sessions/${encodeURIComponent(own.id)}`,
            shape: z.unknown(),
          });
      } catch (cause) {
        if (!(cause instanceof CliError)) throw cause;
        out.warning(
          `The server was not told, and the token is good until ${session.expires_at.slice(0, 10)}: ${cause.message}`,
        );
      }
      removeSession();
      out.result({ signed_out: true }, [`Signed out of ${session.server}.`]);
    },
  });

export const whoamiCommand = () =>
  leaf({
    name: "whoami",
    description: "Ask the server who this token is for, and what it may do.",
    run: async ({ api, out, server, session }) => {
      const { data } = await api.call({ path: "/auth/whoami", shape: WhoAmI });
      const name = session?.display_name ? `${session.display_name} (${data.login})` : data.login;
      const rows = [
        ["user", name],
        ["device", session ? `${session.device_hostname} (${data.device_id})` : data.device_id],
        ["server", server],
        ["role", `${data.workspace.role}${data.is_operator ? ", operator" : ""}`],
        [
          "token",
          `${data.scope}, until ${data.expires_at.slice(0, 10)}${data.is_bound ? ", bound to this device's key" : ""}`,
        ],
      ];
      out.result({ server, device_hostname: session?.device_hostname ?? null, ...data }, table(rows));
    },
  });

const publicPart = (session: Session) => Session.omit({ token: true }).parse(session);
