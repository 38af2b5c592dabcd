import { mkdtempSync, readFileSync, readdirSync, symlinkSync, writeFileSync, mkdirSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { verifyProof } from "#core/proof.ts";
import { makeNonce } from "#core/nonce.ts";
import { backoffMs, retryDelayMs } from "../../tools/leger/api/backoff.ts";
import { DeviceKey, makeProof, thumbprintOf } from "../../tools/leger/api/device-key.ts";
import { type ApplyStep, owedSteps } from "../../tools/leger/apply/plan-apply.ts";
import { applyRelease } from "../../tools/leger/apply/apply-release.ts";
import { readJournal } from "../../tools/leger/apply/journal.ts";
import type { ReleaseManifest } from "../../tools/leger/api/shapes.ts";
import { makeOutput } from "../../tools/leger/output.ts";
import { CliError } from "../../tools/leger/cli-error.ts";
import { editDecisions, parseSetting } from "../../tools/leger/commands/edit-decisions.ts";
import { readExport } from "../../tools/leger/commands/read-export.ts";
import { releaseFolder, sha256 } from "../../tools/leger/release/release-folder.ts";
import { comparable, readSteps, withOutputs } from "../../tools/tour/replay.ts";

const tried = { attempt: 1, status: null, retryAfterSeconds: null, isRepeatable: false, isUnsent: false };

describe("what is tried again", () => {
  it("is a write without a key only where it was certainly not done", () => {
    expect(retryDelayMs(tried, 0)).toBe(null);
    expect(retryDelayMs({ ...tried, status: 503 }, 0)).toBe(null);
    expect(retryDelayMs({ ...tried, isUnsent: true }, 0)).toBeGreaterThan(0);
    expect(retryDelayMs({ ...tried, status: 429 }, 0)).toBeGreaterThan(0);
    expect(retryDelayMs({ ...tried, status: 503, isRepeatable: true }, 0)).toBeGreaterThan(0);
  });
  it("waits as long as the server says, and gives up where that is too long, or after some tries", () => {
    expect(retryDelayMs({ ...tried, status: 429, retryAfterSeconds: 7 }, 0.9)).toBe(7000);
    expect(retryDelayMs({ ...tried, status: 429, retryAfterSeconds: 3000 }, 0)).toBe(null);
    expect(retryDelayMs({ ...tried, attempt: 4, isRepeatable: true }, 0)).toBe(null);
    expect(retryDelayMs({ ...tried, status: 404, isRepeatable: true }, 0)).toBe(null);
  });
  it("comes ever more slowly, and never more slowly than a minute", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, random) => {
          const delay = backoffMs(attempt, random, 250);
          expect(delay).toBeGreaterThanOrEqual(125);
          expect(delay).toBeLessThanOrEqual(60_000);
        },
      ),
    );
  });
});

describe("--set", () => {
  it("changes what it names and nothing else, by dots or by pointer", () => {
    const before = { a: { b: 1, c: [1] } };
    const edited = editDecisions(before, [
      parseSetting("a.b=2"),
      parseSetting("/x~1y/z=text"),
      { path: "a.c", value: undefined },
    ]);
    expect(edited).toEqual({ a: { b: 2 }, "x/y": { z: "text" } });
    expect(before).toEqual({ a: { b: 1, c: [1] } });
  });
  it.each([["=1"], ["a"], ["a..b=1"], ["a.b.c=1"], ["__proto__.x=1"]])("refuses %s", (text) => {
    expect(() => editDecisions({ a: { b: 1 } }, [parseSetting(text)])).toThrow(CliError);
  });
});

describe("what an interrupted run owes", () => {
  const step = (action: ApplyStep["action"], target: string, is: { isDone: boolean; is_owed?: boolean }) => ({
    action,
    target,
    is_owed: false,
    ...is,
    text: `${action} ${target}: why.`,
    is_implied: true,
    resource: null,
  });
  const names = (steps: ApplyStep[]) => steps.map(({ action, target }) => `${action} ${target}`);
  it("is every start that was not done, after the swap", () => {
    const steps = [
      step("stop", "a", { isDone: true }),
      step("restart", "b", { isDone: true }),
      step("restart", "c", { isDone: false }),
      step("start", "d", { isDone: false }),
    ];
    const owed = owedSteps({ isSwapped: true, steps });
    expect(names(owed)).toEqual(["restart c", "start d"]);
    expect(owed.every(({ is_implied }) => !is_implied)).toBe(true);
  });
  it("is what was stopped, and what that run owed itself, before it", () => {
    const steps = [
      step("stop", "a", { isDone: true }),
      step("restart", "b", { isDone: false }),
      step("start", "c", { isDone: false, is_owed: true }),
    ];
    expect(names(owedSteps({ isSwapped: false, steps }))).toEqual(["start a", "start c"]);
  });
});

describe("a run whose start failed", () => {
  it("owes that start, what systemd would have started after it, and what is not active at its end", async () => {
    const root = mkdtempSync(path.join(os.tmpdir(), "leger-apply-"));
    const script =
      '#!/bin/sh\n[ "$3" = a.service ] && [ "$2" = restart ] && exit 1\n[ "$2" = is-active ] && printf "active\\nactive\\nfailed\\n"\nexit 0\n';
    writeFileSync(path.join(root, "systemctl"), script, { mode: 0o755 });
    const path0 = process.env["PATH"];
    process.env["PATH"] = `${root}:${path0}`;
    const step = (target: string, is_implied: boolean) => ({
      action: "restart" as const,
      target,
      is_implied,
      text: `Restart ${target}.`,
      resource: null,
      is_owed: false,
    });
    const states: string[] = [];
    const next = { folder: root, manifest: {} as ReleaseManifest, manifestSha256: "" };
    const applied = await applyRelease({
      root,
      link: path.join(root, "link"),
      folder: releaseFolder(root),
      next,
      plan: {
        risks: [],
        steps: [step("a", false), step("b", true)],
        runners: ["a", "b", "c"],
        services: ["a", "b", "c"],
      },
      done: [],
      out: makeOutput({ isJson: false, isQuiet: true }),
      report: ({ state }) => Promise.resolve(void states.push(state)),
    }).finally(() => (process.env["PATH"] = path0));
    expect(applied).toMatchObject({ state: "failed", error: expect.stringContaining("c.service: failed") as string });
    expect(states).toEqual(["failed", "failed", "failed"]);
    const journal = readJournal(root);
    const owed = owedSteps({ isSwapped: true, steps: journal?.steps ?? [] });
    expect(owed.map(({ action, target }) => `${action} ${target}`)).toEqual(["restart a", "restart b", "start c"]);
  });
});

describe("a release folder", () => {
  const bytesOf = (text: string) => new TextEncoder().encode(text);
  const manifestOf = (filename: string, content: string) =>
    bytesOf(
      JSON.stringify({
        format: 1,
        name: "web",
        namespace: "/",
        epoch: 1,
        version: 3,
        secrets: [],
        inputs: { podman_target: "5.4" },
        files: [{ filename, size: bytesOf(content).length, sha256: sha256(bytesOf(content)) }],
      }),
    );
  const store = (root: string, filename: string) => {
    const manifestBytes = manifestOf(filename, "x");
    return releaseFolder(root).store({
      manifestBytes,
      manifestSha256: sha256(manifestBytes),
      read: () => Promise.resolve(bytesOf("x")),
    });
  };
  const fresh = () => mkdtempSync(path.join(os.tmpdir(), "leger-release-"));

  it.each([["../evil"], ["/etc/passwd"], ["a/../../b"], ["manifest.json"], ["a\\b"], ["a\nb"], ["./a"], [""]])(
    "takes no file called %j, and leaves nothing",
    async (filename) => {
      const root = fresh();
      await expect(store(root, filename)).rejects.toThrow(CliError);
      expect(readdirSync(root)).toEqual([]);
    },
  );
  it.each([["y"], ["xx"], [""]])(
    "takes no bytes that are not the manifest's (%j), and leaves nothing",
    async (text) => {
      const root = fresh();
      const manifestBytes = manifestOf("web.container", "x");
      const of = { manifestBytes, manifestSha256: sha256(manifestBytes), read: () => Promise.resolve(bytesOf(text)) };
      await expect(releaseFolder(root).store(of)).rejects.toThrow("does not match its digest");
      await expect(releaseFolder(root).store({ ...of, manifestSha256: "0".repeat(64) })).rejects.toThrow(
        "manifest.json",
      );
      expect(readdirSync(path.join(root, "releases"))).toEqual([]);
    },
  );
  it("keeps drop-ins in their folder, and removes what a killed run left", async () => {
    const root = fresh();
    mkdirSync(path.join(root, "releases/staging-1-abc"), { recursive: true });
    const release = await store(root, "web.container.d/10-dns.conf");
    releaseFolder(root).point(path.join(root, "current"), release);
    releaseFolder(root).prune([release]);
    expect(readFileSync(path.join(root, "current/web.container.d/10-dns.conf"), "utf8")).toBe("x");
    expect(readdirSync(path.join(root, "releases"))).toEqual([path.basename(release.folder)]);
  });
  it("replaces no folder that somebody put where its link belongs", async () => {
    const root = fresh();
    const release = await store(root, "web.container");
    mkdirSync(path.join(root, "units"));
    expect(() => releaseFolder(root).point(path.join(root, "units"), release)).toThrow("is no link");
    symlinkSync("/nowhere", path.join(root, "dangling"));
    releaseFolder(root).point(path.join(root, "dangling"), release);
    writeFileSync(path.join(root, "dangling/web.container"), "still reachable");
  });
});

describe("a device key", () => {
  it("makes proofs that the server takes, for this request and this token only", async () => {
    const { privateKey } = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
    const key = DeviceKey.parse(await crypto.subtle.exportKey("jwk", privateKey));
    const now = new Date();
    const url = "https://api.example.com/config/latest";
    const nonce = await makeNonce("secret", now);
    const bound = { token: "leg_x", thumbprint: thumbprintOf(key) };
    const context = { method: "GET", url: `${url}?deployment=web`, bound, nonceSecret: "secret", now };
    const proof = makeProof(key, { method: "GET", url, nonce, token: "leg_x" });
    expect(await verifyProof(proof, context)).toMatchObject({ ok: true });
    expect(await verifyProof(proof, { ...context, method: "POST" })).toMatchObject({ ok: false });
    expect(await verifyProof(proof, { ...context, bound: { ...bound, token: "leg_y" } })).toMatchObject({ ok: false });
  });
});

describe("an export", () => {
  const lines = [
    '{"kind":"leger-export","format":1,"exported_at":"2026-01-01T00:00:00.000Z"}',
    '{"kind":"end","lines":2}',
  ];
  it("is read whole or not at all", () => {
    expect(readExport(`${lines.join("\n")}\n`)).toMatchObject({ lines: 2, configurations: [] });
    for (const broken of [
      "",
      lines[0],
      lines[1],
      `${lines[0]}\n{"kind":"x"}\n${lines[1]}`,
      `${lines[0]}\nnonsense\n${lines[1]}`,
    ])
      expect(() => readExport(broken ?? "")).toThrow("cannot be used");
  });
});

describe("the tour's page", () => {
  const page = "# T\n\n```console\n$ a b\nout 2026-11-21 05:15\n\n$ c\n```\n\ntext\n\n```console\n$ d\nx\ny\n```\n";
  it("is read, and written back with other outputs", () => {
    const steps = readSteps(page);
    expect(steps).toEqual([
      { command: "a b", output: "out 2026-11-21 05:15" },
      { command: "c", output: "" },
      { command: "d", output: "x\ny" },
    ]);
    expect(
      withOutputs(
        page,
        steps.map(({ output }) => output),
      ),
    ).toBe(page);
    expect(comparable("out 2026-11-21 05:15")).toBe(comparable("out 2027-01-02 23:59"));
  });
});
