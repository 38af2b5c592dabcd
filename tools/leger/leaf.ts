import { Command } from "commander";
import { type Api, makeApi } from "./api/client.ts";
import { readDeviceKey } from "./api/device-key.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { type Output, makeOutput } from "./output.ts";
import { type Session, chooseServer, isSessionOpenToOthers, readSession } from "./settings.ts";

/** What a command works with. `session` is null where the token comes from LEGER_TOKEN, or nobody is signed in. */
export type Cli = { api: Api; out: Output; server: string; session: Session | null };

export type Call<O> = Cli & { args: readonly string[]; options: O };

type Leaf<O> = {
  name: string;
  description: string;
  /** Commander's declarations: arguments and options of its own. */
  declare?: (command: Command) => Command;
  examples?: readonly string[];
  /** False for what works without a token. */
  needsToken?: boolean;
  run: (call: Call<O>) => Promise<void>;
};

/** A command with what all of them have: --json, --quiet, --server, examples in its help, and a token. */
export function leaf<O>(spec: Leaf<O>): Command {
  const command = new Command(spec.name)
    .description(spec.description)
    .showHelpAfterError("(add --help for the options and examples)")
    .exitOverride();
  spec.declare?.(command);
  command
    .option("--json", "one JSON value on stdout, errors too")
    .option("-q, --quiet", "no progress on stderr")
    .option("--server <url>", "the server (default: LEGER_API_URL, or where you signed in)");
  if (spec.examples)
    command.addHelpText("after", `\nExamples:\n${spec.examples.map((line) => `  ${line}`).join("\n")}`);
  return command.action(async () => {
    const options = command.opts<O & { json?: true; quiet?: true; server?: string }>();
    const out = makeOutput({ isJson: options.json === true, isQuiet: options.quiet === true });
    try {
      await spec.run({ ...connect(out, options.server, spec.needsToken ?? true), args: command.args, options });
    } catch (cause) {
      if (!(cause instanceof CliError)) throw cause;
      out.failure(cause);
      process.exitCode = cause.exit;
    }
  });
}

function connect(out: Output, option: string | undefined, needsToken: boolean): Cli {
  const kept = readSession();
  const server = chooseServer(option, kept);
  const named = process.env["LEGER_TOKEN"] || null;
  const session = named === null && kept?.server === server ? kept : null;
  const token = named ?? session?.token ?? null;
  if (session && isSessionOpenToOthers())
    out.warning("session.json can be read by other users of this machine: chmod 600 it, and sign in again.");
  if (needsToken && token === null)
    throw new CliError(EXIT.signed_out, {
      code: "signed_out",
      message: kept
        ? `You are signed in at ${kept.server}, and not at ${server}.`
        : `You are not signed in at ${server}.`,
      action: "leger login, or set LEGER_TOKEN.",
    });
  const key = session?.token_type === "DPoP" ? readDeviceKey() : null;
  return { api: makeApi({ server, token, key, say: out.progress }), out, server, session };
}

/** A command that only holds others. */
export const group = (name: string, description: string, commands: readonly Command[]): Command => {
  const command = new Command(name)
    .description(description)
    .showHelpAfterError("(add --help for the commands)")
    .exitOverride();
  for (const one of commands) command.addCommand(one);
  return command;
};
