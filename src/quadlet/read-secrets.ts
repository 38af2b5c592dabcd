import type { LoadedUnit } from "#quadlet/load-units.ts";
import type { PlacedWord } from "#quadlet/unit-view.ts";

/** One `Secret=name[,type=mount|env][,target=...]`. Without a target Podman takes the name: `/run/secrets/name` or `$name`. */
export type ReadSecret = {
  readonly name: string;
  readonly type: string;
  readonly target: string;
  readonly options: ReadonlyMap<string, string | null>;
  readonly word: PlacedWord;
};

function readSecret(word: PlacedWord): ReadSecret {
  const [name = "", ...rest] = word.text.split(",");
  const options = new Map<string, string | null>();
  for (const option of rest) {
    const equals = option.indexOf("=");
    options.set(equals === -1 ? option : option.slice(0, equals), equals === -1 ? null : option.slice(equals + 1));
  }
  const type = options.get("type") ?? "mount";
  return { name, type, target: options.get("target") ?? name, options, word };
}

/** Found once for each text. */
export function readSecrets({ view, section, textMemory }: LoadedUnit): readonly ReadSecret[] {
  textMemory.secrets ??= view.words(section, "Secret", "args").map(readSecret);
  return textMemory.secrets;
}
