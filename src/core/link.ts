import { toHex } from "#core/digest.ts";
import { hmacKey } from "#core/hmac.ts";
import { type Result, err, ok } from "#core/result.ts";

/** How long a link works. A client that comes later asks for new ones; what it has downloaded stays good. */
export const LINK_SECONDS = 600;

export type LinkTarget = { workspaceId: string; version: number; file: string };

const text = (target: LinkTarget, expires: number) =>
  ["leger-link", target.workspaceId, String(target.version), target.file, String(expires)].join("\n");

/** HMAC-SHA256 over what the link is for and when it ends (seconds since 1970), as hex. */
export async function signLink(secret: string, target: LinkTarget, expires: number): Promise<string> {
  const signature = await crypto.subtle.sign(
    "HMAC",
    await hmacKey(secret),
    new TextEncoder().encode(text(target, expires)),
  );
  return toHex(new Uint8Array(signature));
}

/** Checks in constant time; the signature before the clock, so that a stranger learns nothing from "expired". */
export async function checkLink(
  secret: string,
  link: LinkTarget & { expires: number; signature: string },
  now: Date,
): Promise<Result<void, "invalid" | "expired">> {
  if (!/^[0-9a-f]{64}$/.test(link.signature)) return err("invalid");
  const bytes = Uint8Array.from({ length: 32 }, (_, index) =>
    parseInt(link.signature.slice(index * 2, index * 2 + 2), 16),
  );
  const isValid = await crypto.subtle.verify(
    "HMAC",
    await hmacKey(secret),
    bytes,
    new TextEncoder().encode(text(link, link.expires)),
  );
  if (!isValid) return err("invalid");
  return now.getTime() / 1000 < link.expires ? ok(undefined) : err("expired");
}
