import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync, copyFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { BundleFile } from "#quadlet/load-units.ts";

/** The real generator of one Podman. */
export type Generator = { readonly program: string; readonly version: string };

export type Verdict = { readonly isAccepted: boolean; readonly services: string; readonly problems: string };

/** Generators that tools/quadlet-generator.sh has installed; the environment variable names others, separated by colons. */
export function findGenerators(root: string): Generator[] {
  const named = process.env["QUADLET_GENERATORS"]?.split(":").filter((program) => program !== "");
  const usual = ["quadlet-5.4", "quadlet-new"].map((name) => path.join(root, ".leger", name, "quadlet"));
  return (named ?? usual)
    .filter((program) => existsSync(program))
    .map((program) => ({ program, version: execFileSync(program, ["-version"], { encoding: "utf8" }).trim() }));
}

/** Writes the files under `folder`, which must be new; names are relative and stay inside. */
export function writeBundle(folder: string, files: readonly BundleFile[]): void {
  for (const { filename, text } of files) {
    const target = path.join(folder, filename);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}

/** Calls `use` with a fresh folder, and removes it whatever happens. */
export function withFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(path.join(tmpdir(), "leger-agree-"));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function dryRun(generator: Generator, folder: string): Verdict {
  const run = spawnSync(generator.program, ["-dryrun", "-user", "-no-kmsg-log"], {
    env: { QUADLET_UNIT_DIRS: folder },
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (run.error !== undefined) throw run.error;
  return { isAccepted: run.status === 0, services: run.stdout, problems: run.stderr };
}

/** Whether systemd loads what the generator makes of the folder; null where systemd-analyze is not installed. */
export function systemdVerifies(generator: Generator, folder: string): boolean | null {
  return withFolder((scratch) => {
    const out = path.join(scratch, "out");
    const runtime = path.join(scratch, "run");
    mkdirSync(runtime, { mode: 0o700 });
    spawnSync(generator.program, ["-user", "-no-kmsg-log", out], {
      env: { QUADLET_UNIT_DIRS: folder, PODMAN: "/bin/true" },
    });
    const units = existsSync(out) ? readdirSync(out).filter((name) => name.endsWith(".service")) : [];
    if (units.length === 0) return false;
    const paths = units.map((name) => {
      // A template cannot be verified, an instance of it can.
      const instance = name.endsWith("@.service") ? name.replace("@.service", "@x.service") : name;
      if (instance !== name) copyFileSync(path.join(out, name), path.join(out, instance));
      return path.join(out, instance);
    });
    const verify = spawnSync("systemd-analyze", ["--user", "--man=no", "verify", ...paths], {
      env: { PATH: process.env["PATH"] ?? "", XDG_RUNTIME_DIR: runtime, HOME: scratch },
      encoding: "utf8",
    });
    return verify.error === undefined ? verify.status === 0 : null;
  });
}
