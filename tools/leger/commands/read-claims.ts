import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { z } from "zod";
import { TailscaleClaims } from "#core/tailscale.ts";
import { CliError, EXIT, usageError } from "../cli-error.ts";
import { fromHere } from "../settings.ts";

/** Of `tailscale status --json` (Tailscale 1.30 and later): this device, its owner, its tailnet. */
const TailscaleStatus = z.object({
  BackendState: z.string().optional(),
  CurrentTailnet: z.object({ Name: z.string(), MagicDNSSuffix: z.string().optional() }).nullish(),
  Self: z.object({ ID: z.string(), HostName: z.string(), UserID: z.number() }).nullish(),
  User: z.record(z.string(), z.object({ LoginName: z.string() })).nullish(),
});

/** Claims from a file, or what Tailscale says of this device. */
export async function readClaims(file: string | undefined): Promise<TailscaleClaims> {
  return file === undefined ? await askTailscale() : claimsFromFile(file);
}

function claimsFromFile(file: string): TailscaleClaims {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file === "-" ? 0 : fromHere(file), "utf8"));
  } catch (cause) {
    throw usageError(`${file} cannot be read as JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const parsed = TailscaleClaims.safeParse(value);
  if (!parsed.success) throw usageError(`${file} holds no claims: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

async function askTailscale(): Promise<TailscaleClaims> {
  const refused = (message: string, action: string) =>
    new CliError(EXIT.failed, { code: "tailscale", message, action });
  const run = promisify(execFile);
  const { stdout } = await run("tailscale", ["status", "--json", "--peers=false"], { timeout: 10_000 }).catch(
    (cause: unknown) => {
      const isMissing = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
      throw isMissing
        ? refused(
            "There is no `tailscale` on the path.",
            "Install Tailscale and join the tailnet, or give --claims FILE.",
          )
        : refused(
            `tailscale status failed: ${cause instanceof Error ? cause.message : String(cause)}`,
            "Run tailscale up.",
          );
    },
  );
  const status = TailscaleStatus.safeParse(parseJson(stdout));
  const { Self, User, CurrentTailnet } = status.data ?? {};
  const owner = Self && User?.[String(Self.UserID)];
  if (!Self || !owner || !CurrentTailnet)
    throw refused(
      `Tailscale is not signed in here (${status.data?.BackendState ?? "unknown state"}).`,
      "Run tailscale up.",
    );
  return {
    user_id: String(Self.UserID),
    login_name: owner.LoginName,
    device_id: Self.ID,
    device_hostname: Self.HostName,
    tailnet: CurrentTailnet.Name,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
