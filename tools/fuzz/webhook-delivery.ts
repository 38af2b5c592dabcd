import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { isSignedBy } from "#core/webhook-signature.ts";
import type { Random } from "../engine/random.ts";
import type { Surface } from "./auth-surfaces.ts";
import type { FuzzWorld } from "./fuzz-world.ts";
import { mutateText } from "./mutate-text.ts";

/** As one text: id, signature and body in base64url, with `~` between them. */
type Delivery = { id: string; signature: string; body: Buffer<ArrayBuffer> };
const print = ({ id, signature, body }: Delivery) => [id, signature, body.toString("base64url")].join("~");
function parse(text: string): Delivery {
  const [id = "", signature = "", body = ""] = text.split("~");
  return { id, signature, body: Buffer.from(body, "base64url") };
}

const ALGORITHMS = ["sha1", "sha512", "md5", "sha224"] as const;
/** Only a signed delivery that was not heard before is accepted; this is how `send` answers a repeated one. */
const ALREADY_HEARD = 208;

/**
 * GitHub's deliveries: other bytes under a good signature, changed signatures, other algorithms and prefixes, another secret, and good
 * ones heard before. They are pings, so that the worker is not kept busy by what it should refuse.
 */
export function webhookDelivery(world: FuzzWorld): Surface {
  const { webhookSecrets } = world;
  const heard = new Set<string>();
  const macOf = (algorithm: string, secret: string, body: Buffer) =>
    createHmac(algorithm, secret).update(body).digest("hex");
  const sign = (secret: string, body: Buffer) => `sha256=${macOf("sha256", secret, body)}`;
  const secretOf = (random: Random) => random.pick(webhookSecrets);
  return {
    name: "webhook delivery",
    genuine: async () => {
      const body = Buffer.from(JSON.stringify({ zen: "A delivery is a hint.", hook_id: 1, salt: randomUUID() }));
      return print({ id: randomUUID(), signature: sign(webhookSecrets[0] ?? "", body), body });
    },
    mutate: (text, random) => {
      const good = parse(text);
      const { body, signature } = good;
      const hex = signature.slice("sha256=".length);
      const kinds: (() => Delivery)[] = [
        () => ({ ...good, body: otherBytes(body, random) }),
        () => ({ ...good, signature: mutateText(signature, random).replaceAll("~", "") }),
        () => ({ ...good, signature: `sha256=${mutateText(hex, random).replaceAll("~", "")}` }),
        () => ({ ...good, signature: `sha256=${hex.slice(0, 2 * random.below(32))}` }),
        () => ({ ...good, signature: withAlgorithm(random, macOf(random.pick(ALGORITHMS), secretOf(random), body)) }),
        () => ({
          ...good,
          signature: random.pick([hex, `sha256:${hex}`, `SHA256=${hex}`, `sha1=${hex}`, `sha256= ${hex}`]),
        }),
        () => ({ ...good, signature: `sha256=${hex.toUpperCase()}A` }),
        () => ({ ...good, signature: `${signature},${signature}` }),
        () => ({ ...good, signature: sign(randomBytes(24).toString("hex"), body) }),
        () => ({ ...good, signature: sign("", body) }),
        () => ({ ...good, signature: sign(secretOf(random), otherBytes(body, random)) }),
        () => ({ ...good, id: random.pick(["", ...heard]) }), // with its signature, which is good
      ];
      return print((kinds[random.below(kinds.length)] ?? (() => good))());
    },
    accepts: async (text) => {
      const delivery = parse(text);
      return delivery.id !== "" && !heard.has(delivery.id) && isSignedBy(webhookSecrets, delivery);
    },
    send: async (text) => {
      const { id, signature, body } = parse(text);
      const response = await fetch(`${world.worker.url}/webhooks/github`, {
        method: "POST",
        headers: { "x-github-event": "ping", "x-github-delivery": id, "x-hub-signature-256": signature },
        body,
      });
      const answer = await response.text();
      if (response.status !== 202) return response.status;
      const isRepeated = (JSON.parse(answer) as { data: { outcome: string } }).data.outcome === "repeated";
      heard.add(id);
      return isRepeated ? ALREADY_HEARD : response.status;
    },
    isAccepted: (status) => status === 202,
  };
}

const withAlgorithm = (random: Random, mac: string) => `${random.pick([...ALGORITHMS, "sha256"])}=${mac}`;

/** One byte changed, added or taken away; or only a part, or nothing at all. */
function otherBytes(body: Buffer, random: Random): Buffer<ArrayBuffer> {
  const at = random.below(body.length);
  const one = Buffer.from([random.below(256)]);
  const changed = Buffer.from(body);
  changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
  const kinds = [
    changed,
    Buffer.concat([body.subarray(0, at), one, body.subarray(at)]),
    Buffer.concat([body.subarray(0, at), body.subarray(at + 1)]),
    body.subarray(0, at),
    Buffer.concat([body, body]),
    Buffer.concat([body, Buffer.from("\n")]),
    Buffer.concat([Buffer.from("\ufeff"), body]),
    Buffer.alloc(0),
  ];
  return Buffer.from(kinds[random.below(kinds.length)] ?? changed);
}
