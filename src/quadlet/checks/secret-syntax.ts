import type { Finding } from "#core/finding.ts";
import { error, placeOf, type Check } from "#quadlet/checks/check.ts";
import { readSecrets, type ReadSecret } from "#quadlet/read-secrets.ts";

const CODE = "secret_syntax";
const OPTIONS = ["type", "target", "uid", "gid", "mode"];
const NUMBERS = ["uid", "gid", "mode"];
const NUMBER = /^(?:0[xo]?)?[0-9a-f]+$/i;

function problemOf({ name, type, options }: ReadSecret): string | null {
  if (name === "") return "names no secret";
  if (name.includes("=")) return `begins with ${name}, where the secret's name belongs`;
  for (const option of options.keys())
    if (!OPTIONS.includes(option))
      return `has the option ${option || "(empty)"}, which is none of ${OPTIONS.join(", ")}`;
  for (const [option, value] of options) if (value === null || value === "") return `has ${option} without a value`;
  if (type !== "mount" && type !== "env") return `has the type ${type}, which is neither mount nor env`;
  const numeric = NUMBERS.find((option) => options.has(option));
  if (numeric === undefined) return null;
  if (type === "env") return `has ${numeric}=, which is for secrets of type mount`;
  const bad = NUMBERS.find((option) => !NUMBER.test(options.get(option) ?? "0"));
  return bad === undefined ? null : `has a ${bad} that is no number`;
}

function check(secret: ReadSecret): Finding[] {
  const problem = problemOf(secret);
  if (problem === null) return [];
  const { assignment, offset, text } = secret.word;
  const message = `Secret=${text} ${problem}: Podman will not start the container.`;
  const action = "Write name,type=env,target=VARIABLE or name,target=file.";
  return [error(CODE, placeOf(assignment, offset), { message, action })];
}

/** The generator passes secrets on as they are; `podman run` refuses what it cannot read. */
export const secretSyntax: Check = {
  code: CODE,
  ofKey: {
    reads: ({ section, key }) => section === "Container" && key === "Secret",
    run: ({ unit }) => readSecrets(unit).flatMap(check),
  },
};
