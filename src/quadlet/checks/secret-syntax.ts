import type { Finding } from "#core/finding.ts";
import { error, placeOf, type Check } from "#quadlet/checks/check.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";
import { readSecrets, type ReadSecret } from "#quadlet/read-secrets.ts";

const CODE = "secret_syntax";
const OPTIONS = ["type", "target", "uid", "gid", "mode"];

function problemOf({ name, type, options }: ReadSecret): string | null {
  if (name === "") return "names no secret";
  if (name.includes("=")) return `begins with ${name}, where the secret's name belongs`;
  const unknown = [...options.keys()].find((option) => !OPTIONS.includes(option));
  if (unknown !== undefined) return `has the option ${unknown || "(empty)"}, which is none of ${OPTIONS.join(", ")}`;
  const empty = [...options].find(([, value]) => value === null || value === "");
  if (empty !== undefined) return `has ${empty[0]} without a value`;
  if (type !== "mount" && type !== "env") return `has the type ${type}, which is neither mount nor env`;
  const numeric = ["uid", "gid", "mode"].find((option) => options.has(option));
  if (type === "env" && numeric !== undefined) return `has ${numeric}=, which is for secrets of type mount`;
  const bad = ["uid", "gid", "mode"].find((option) => !/^(?:0[xo]?)?[0-9a-f]+$/i.test(options.get(option) ?? "0"));
  return bad === undefined ? null : `has a ${bad} that is no number`;
}

function check(unit: LoadedUnit): Finding[] {
  if (unit.type !== "container") return [];
  return readSecrets(unit).flatMap((secret) => {
    const problem = problemOf(secret);
    if (problem === null) return [];
    const { assignment, offset, text } = secret.word;
    const message = `Secret=${text} ${problem}: Podman will not start the container.`;
    return [
      error(CODE, placeOf(assignment, offset), {
        message,
        action: "Write name,type=env,target=VARIABLE or name,target=file.",
      }),
    ];
  });
}

/** The generator passes secrets on as they are; `podman run` refuses what it cannot read. */
export const secretSyntax: Check = { code: CODE, run: ({ bundle }) => bundle.units.flatMap(check) };
