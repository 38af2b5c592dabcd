import { isKeyKnown, keyInfo, keysOf, keySections } from "#quadlet/key-table.ts";
import { isAtLeast } from "#quadlet/podman-version.ts";
import { unitTypeInfo, type UnitType } from "#quadlet/unit-names.ts";
import { dryRun, withFolder, writeBundle, type Generator } from "./generator.ts";

const TYPES: readonly UnitType[] = ["container", "pod", "kube", "volume", "network", "image", "build", "artifact"];

/** What 5.4 wants to see before it looks at the keys. */
const REQUIRED: Readonly<Record<string, string>> = { build: "[Build]\nImageTag=localhost/probe\n" };

export type KeyProbes = { readonly probes: number; readonly mismatches: readonly string[] };

/** Asks the generator about every key of every section in every section: one file for each pair, all in one run. */
export function probeKeys(generator: Generator): KeyProbes {
  const keys = [...new Set([...keySections().flatMap((section) => keysOf(section)), "Bogus", "X-Meta", "image"])];
  const probes = TYPES.filter((type) => isAtLeast(generator.version, unitTypeInfo(type).since)).flatMap((type) => {
    const { section } = unitTypeInfo(type);
    return [section, "Quadlet"].flatMap((where) => keys.map((key) => ({ type, where, key })));
  });
  return withFolder((folder) => {
    writeBundle(
      folder,
      probes.map(({ type, where, key }, index) => ({
        filename: `p${index}.${type}`,
        text: `${REQUIRED[type] ?? ""}[${where}]\n${key}=1\n`,
      })),
    );
    const { problems } = dryRun(generator, folder);
    const refused = new Set(
      [...problems.matchAll(/unsupported key '.*' in group '.*' in .*\/p(\d+)\./g)].map((match) => Number(match[1])),
    );
    const mismatches = probes.flatMap(({ where, key }, index) => {
      const info = keyInfo(where, key);
      const isKnown = info !== null && isKeyKnown(info, generator.version);
      if (isKnown === !refused.has(index)) return [];
      return [`[${where}] ${key}: Podman ${generator.version} ${isKnown ? "refuses" : "knows"} it`];
    });
    return { probes: probes.length, mismatches };
  });
}
