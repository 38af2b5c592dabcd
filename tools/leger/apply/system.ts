import { execFile } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import path from "node:path";
import { usageError } from "../cli-error.ts";

/** What a program said. `code` null: it did not run, or was ended. */
export type Ran = { code: number | null; stdout: string; stderr: string };

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** Runs a program of the PATH without a shell. Never throws: a step's failure is a result. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; seconds?: number } = {},
) {
  return new Promise<Ran>((resolve) => {
    execFile(
      program,
      [...args],
      {
        env: options.env ?? process.env,
        maxBuffer: OUTPUT_BYTES_MAX,
        timeout: (options.seconds ?? 900) * 1000, // a first pull of a large image takes its time
      },
      (error, stdout, stderr) => {
        if (error === null) return resolve({ code: 0, stdout, stderr });
        const code = typeof error.code === "number" ? error.code : null;
        resolve({ code, stdout, stderr: stderr || error.message });
      },
    );
  });
}

/** The first line that a program complained with, fit for a report. */
export const complaint = ({ code, stderr, stdout }: Ran) =>
  (stderr.trim() || stdout.trim()).split("\n").slice(-3).join(" ").slice(0, 400) || `ended with ${code ?? "a signal"}`;

const GENERATORS = [
  "/usr/libexec/podman/quadlet",
  "/usr/lib/podman/quadlet",
  "/usr/lib/systemd/user-generators/podman-user-generator",
];

/** The generator of this machine's Podman: what decides whether a unit becomes a service. Null where there is none. */
export function findGenerator(named: string | undefined): string | null {
  const asked = named ?? (process.env["LEGER_QUADLET"] || undefined);
  if (asked !== undefined) {
    if (!isProgram(asked))
      throw usageError(`${asked} is no program.`, "Name the quadlet generator, or leave --quadlet out.");
    return path.resolve(asked);
  }
  const onPath = (process.env["PATH"] ?? "").split(path.delimiter).map((folder) => path.join(folder, "quadlet"));
  return [...onPath, ...GENERATORS].find(isProgram) ?? null;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return path.isAbsolute(file);
  } catch {
    return false;
  }
}

/** Whether the generator takes every unit of `folder`, and what it says of those it does not. */
export async function dryRunUnits(
  generator: string,
  folder: string,
): Promise<{ isAccepted: boolean; problems: string }> {
  const ran = await runProgram(generator, ["-dryrun", "-user", "-no-kmsg-log"], {
    env: { ...process.env, QUADLET_UNIT_DIRS: folder },
    seconds: 60,
  });
  const lines = ran.stderr.split("\n").filter((line) => line !== "" && !line.includes("Loading source unit file"));
  return {
    isAccepted: ran.code === 0,
    problems: lines.join("\n").slice(0, 2000) || `ended with ${ran.code ?? "a signal"}`,
  };
}

/** The kernel's id of this boot (Linux); reports are numbered within it. */
export const bootId = () => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

export const systemctl = (...args: string[]) => runProgram("systemctl", ["--user", ...args]);
export const podman = (...args: string[]) => runProgram("podman", args);
