import type { Random } from "../engine/random.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const HOSTILE = [
  "",
  ".",
  "..",
  "...",
  "=",
  "==",
  "%00",
  "~",
  "null",
  "undefined",
  "__proto__",
  "leg_",
  "a.b.c",
  "ey",
  "0",
];

/** Another text than the given one: changed, cut, lengthened, shuffled or replaced, in any way that a header may carry. */
export function mutateText(text: string, random: Random): string {
  for (;;) {
    const mutated = attempt(text, random);
    if (mutated !== text && mutated.trim() === mutated) return mutated;
  }
}

function attempt(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const one = ALPHABET[random.below(ALPHABET.length)] ?? "A";
  const cuts: (() => string)[] = [
    () => text.slice(0, at) + one + text.slice(at + 1),
    () => text.slice(0, at) + one + text.slice(at),
    () => text.slice(0, at) + text.slice(at + 1),
    () => text.slice(0, at),
    () => text.slice(at),
    () => text.slice(at) + text.slice(0, at),
    () => text.replace(/.$/, one), // spare bits of the last character
    () => `${text}${one}`,
    () => `${text}=`,
    () => `${text}.`,
    () => text.split(".").toReversed().join("."),
    () => text.split(".").slice(0, 2).join(".") + ".",
    () => text.replaceAll("-", "+").replaceAll("_", "/"),
    () => text.toLowerCase(),
    () => text + text,
    () => flipBit(text, random),
    () => HOSTILE[random.below(HOSTILE.length)] ?? "",
  ];
  return cuts[random.below(cuts.length)]?.() ?? "";
}

/** One bit of one base64url segment's bytes, written canonically again. */
function flipBit(text: string, random: Random): string {
  const segments = text.split(".");
  const which = random.below(segments.length);
  const bytes = Buffer.from(segments[which] ?? "", "base64url");
  if (bytes.length === 0) return "";
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  return segments.with(which, bytes.toString("base64url")).join(".");
}
