import type { Finding } from "#core/finding.ts";
import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";

const CODE = "literal_secret";
/** Names whose value is a secret; `_FILE` and the like point to one, and names of keys in the plain sense do not. */
const NAME =
  /(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|SECRET_KEY|API_?KEY|ACCESS_KEY|PRIVATE_KEY|MASTER_KEY|SALT_KEY|ENCRYPTION_KEY|JWT_KEY|TOKEN)$/i;
/** Passwords inside a connection string, and keys whose form gives them away. */
const VALUE =
  /^[a-z][a-z0-9+.-]*:\/\/[^:/@\s]*:[^@/\s$%{]+@|^sk-[A-Za-z0-9_-]{4,}$|^gh[pousr]_[A-Za-z0-9]{20,}$|^AKIA[0-9A-Z]{16}$/i;
/** Said in public, so not secret: each is a default of some image. */
const DEFAULTS = new Set([
  "changeme",
  "change-me",
  "change_me",
  "password",
  "postgres",
  "admin",
  "secret",
  "sk-1234",
  "example",
  "root",
  "123456",
]);

/** REQUIRE_API_KEY=true turns something on. */
const SWITCH = /^(?:true|false|yes|no|on|off|none|null|0|1)$/i;

function problemOf(name: string, value: string): string | null {
  if (value === "" || /^[%$]/.test(value) || SWITCH.test(value)) return null;
  if (NAME.test(name))
    return DEFAULTS.has(value.toLowerCase()) ? "holds a well-known default" : "holds a secret in plain text";
  return VALUE.test(value) ? "holds a password or key in plain text" : null;
}

/** Everybody who may read the unit, the render, the backup or `podman inspect` reads it. The value itself is never repeated here. */
export const literalSecret: Check = {
  code: CODE,
  ofKey: {
    reads: ({ section, key }) => key === "Environment" && (section === "Container" || section === "Build"),
    run: ({ values }) => {
      const found: Finding[] = [];
      for (const [name, { value, word }] of values.keyvals()) {
        const problem = problemOf(name, value ?? "");
        if (problem === null) continue;
        const message = `Environment ${name} ${problem}.`;
        const action = `Store it as a secret, and write Secret=NAME,type=env,target=${name}.`;
        found.push(warning(CODE, placeOf(word.assignment, word.offset), { message, action }));
      }
      return found;
    },
  },
};
