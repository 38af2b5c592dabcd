import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { onTestFinished, vi } from "vitest";
import { z } from "zod";
import { Finding } from "#core/finding.ts";
import { runLegerPack } from "../../tools/leger-pack/run-leger-pack.ts";

export const ROOT = path.resolve(import.meta.dirname, "../..");
export const FIXTURES = path.join(ROOT, "templates-fixtures/leger");

/**
 * The command as a person runs it from a folder: its exit code, what it prints. In this process, because one of its own takes a
 * second each time; test-node/leger-pack/command.test.ts starts processes.
 */
export async function legerPack(words: string[], { from = ROOT } = {}) {
  const printed = { stdout: "", stderr: "" };
  const into = (stream: keyof typeof printed, end: string) => (text: unknown) => {
    printed[stream] += String(text) + end;
    return true;
  };
  const spies = [
    vi.spyOn(console, "log").mockImplementation(into("stdout", "\n")),
    vi.spyOn(console, "error").mockImplementation(into("stderr", "\n")),
    vi.spyOn(process.stdout, "write").mockImplementation(into("stdout", "")),
    vi.spyOn(process.stderr, "write").mockImplementation(into("stderr", "")),
  ];
  vi.stubEnv("INIT_CWD", from);
  vi.stubEnv("NO_COLOR", "1");
  try {
    return { status: await runLegerPack(words), ...printed };
  } finally {
    for (const spy of spies) spy.mockRestore();
    vi.unstubAllEnvs();
  }
}

/** A folder of the test's own, gone after it. */
export function emptyFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "leger-pack-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export type Files = Record<string, string | Uint8Array>;

/** Writes files, in the order in which they are given. */
export function writeFiles(folder: string, files: Files): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), content);
  }
  return folder;
}

/** A small pack without faults: two decisions, one template. */
export const SMALL = {
  "schema.json": `${JSON.stringify(
    {
      type: "object",
      additionalProperties: false,
      properties: {
        port: { type: "integer", minimum: 1, maximum: 65535, default: 8080 },
        tls: { type: "boolean", default: false },
        log: { enum: ["quiet", "normal", "loud"], default: "normal" },
      },
    },
    null,
    2,
  )}\n`,
  "templates/web.container.j2": [
    "[Container]",
    "Image=docker.io/library/caddy:2.10.0",
    "PublishPort={{ port }}:80",
    "Environment=TLS={{ tls }}",
    "Environment=LOG={{ log }}",
    "",
  ].join("\n"),
} satisfies Files;

/** A folder with a pack in `pack/` (changed by `files`) and a configuration beside it. */
export const withPack = (files: Files = {}): string =>
  writeFiles(emptyFolder(), {
    "config.json": "{}",
    ...Object.fromEntries(Object.entries({ ...SMALL, ...files }).map(([name, content]) => [`pack/${name}`, content])),
  });

/** The values of JSON lines. */
export const linesOf = (stdout: string): unknown[] =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
export const findingsOf = (stdout: string) => linesOf(stdout).map((line) => z.strictObject(Finding.shape).parse(line));
