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
  "0p3n-w3bui!",
  "minioadmin",
  "ultrasecretkey",
]);

/** `REQUIRE_API_KEY=False` turns something on or off; the others are what people write where a program insists on a value. */
const NO_SECRET =
  /^(?:true|false|yes|no|on|off|none|null|nil|empty|dummy|unused|disabled|optional|required|not[-_ ]?(?:needed|used|required|set)|(?:sk-)?no[-_]key[-_]required|ollama)$/i;
/** `MAX_TOKEN=4096` counts, `CSRF_TOKEN=3600s` lasts; but a password may well be a number. */
const QUANTITY = /^[+-]?\d+(?:\.\d+)?(?:[kmgt]i?b?|ms|s|m|h|d)?$/i;
const MAY_BE_A_NUMBER = /PASS(?:WORD|WD|PHRASE)$|SECRET$/i;
/** Where the secret is, instead of what it is: a file, the program's own variable, a reference to a store. */
const POINTER = /^(?:\/run\/secrets\/|\/etc\/|file:|env:|os\.environ\/|[a-z]+:\/\/[A-Za-z0-9._/-]+$)/;

function problemOf(name: string, value: string): string | null {
  if (value === "" || /^[%$]/.test(value)) return null;
  if (!NAME.test(name)) return VALUE.test(value) ? "holds a password or key in plain text" : null;
  if (DEFAULTS.has(value.toLowerCase())) return "holds a well-known default";
  if (NO_SECRET.test(value) || POINTER.test(value)) return null;
  const isNumber = QUANTITY.test(value) && !(MAY_BE_A_NUMBER.test(name) && value.length > 1);
  return isNumber ? null : "holds a secret in plain text";
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
