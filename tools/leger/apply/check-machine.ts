import { isPodmanWithin } from "#core/names.ts";
import { CliError, EXIT } from "../cli-error.ts";
import type { ReleaseManifest } from "../api/shapes.ts";
import { complaint, podman } from "./system.ts";

const refuse = (code: string, message: string, action: string) => new CliError(EXIT.failed, { code, message, action });

/** This machine's Podman, as `5.4.2`. */
export async function readPodmanVersion(): Promise<string> {
  const ran = await podman("--version");
  const version = /(\d+\.\d+(?:\.\d+)?)/.exec(ran.stdout)?.[1];
  if (ran.code !== 0 || version === undefined)
    throw refuse(
      "podman_missing",
      `podman --version failed: ${complaint(ran)}.`,
      "Install Podman, and see that it is on the path.",
    );
  return version;
}

/** Said, not refused: the generator of this very machine decides, in the dry run. */
export function podmanWarning(version: string, target: string): string | null {
  const isOlder = !isPodmanWithin(version.split(".").slice(0, 2).join("."), { min: target, max: null });
  return isOlder ? `This machine has Podman ${version}, and the version was rendered for ${target}.` : null;
}

/** A container without its secret does not start, so what is missing is named before anything is touched. */
export async function requireSecrets({ secrets }: ReleaseManifest): Promise<void> {
  const names = [...new Set(secrets.filter(({ required }) => required).map(({ name }) => name))];
  if (names.length === 0) return;
  const ran = await podman("secret", "ls", "--format", "{{.Name}}");
  if (ran.code !== 0)
    throw refuse("podman_failed", `podman secret ls failed: ${complaint(ran)}.`, "Mend Podman, and run it again.");
  const known = new Set(ran.stdout.split("\n").map((line) => line.trim()));
  const missing = names.filter((name) => !known.has(name));
  if (missing.length === 0) return;
  throw refuse(
    "secrets_missing",
    `This machine lacks ${missing.length === 1 ? "the secret" : "the secrets"} ${missing.join(", ")}. Nothing was changed.`,
    `leger secrets get ${missing[0] ?? ""} | podman secret create ${missing[0] ?? ""} -`,
  );
}
