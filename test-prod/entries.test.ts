import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { FIXTURES } from "../tools/fixtures/fixture-release.ts";
import { type BuiltWorker, HOURLY, MINUTELY, startBuiltWorker } from "./built-worker.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const DECISIONS = JSON.parse(
  readFileSync(path.join(FIXTURES, "leger/v1.0.0/cases/document-000/config.json"), "utf8"),
) as unknown;
const Latest = z.object({
  version: z.int(),
  manifest_sha256: z.string(),
  manifest: z.object({ files: z.array(z.object({ filename: z.string(), sha256: z.string(), size: z.int() })) }),
  files: z.array(z.object({ filename: z.string(), sha256: z.string(), size: z.int(), path: z.string() })),
});

// One story in order: each test goes on where the one before it ended.
describe("the built worker's three entries", () => {
  let built: BuiltWorker;
  let token: string;
  let etag: string;

  beforeAll(async () => {
    built = await startBuiltWorker();
  });
  afterAll(() => built?.close());

  const renderState = async (version: number) => {
    const answer = await built.request("GET", `/renders/${version}`, { token });
    return answer.json().data["state"];
  };

  test("fetch: a person signs in by what Tailscale confirms, and by nothing less", async () => {
    ({ token } = await built.signIn());
    const forged = await built.request("POST", "/auth/cli", {
      body: {
        tailscale: {
          user_id: "u999999999",
          login_name: "alice@github",
          device_id: "nforged1CNTRL",
          device_hostname: "alice-laptop",
          tailnet: "example.ts.net",
        },
      },
    });
    expect(forged.status).toBe(401);
    expect(forged.json().error.code).toBe("tailscale_verification_failed");
  });

  test("cron, hourly: the registry's releases are stored, and a second sync finds nothing new", async () => {
    expect(await built.cron(HOURLY)).toMatchObject({ outcome: "ok" });
    const list = await built.request("GET", "/schemas", { token });
    expect(list.json().data["schemas"]).toMatchObject([
      { pack: "leger", version: "v2.0.0", status: "ready" },
      { pack: "leger", version: "v1.1.0", status: "ready" },
      { pack: "leger", version: "v1.0.0", status: "ready" },
    ]);
    built.clearLogs();
    expect(await built.cron(HOURLY)).toMatchObject({ outcome: "ok" });
    expect(built.logLines()).toContainEqual(
      expect.objectContaining({ event: "registry.synced", outcome: "unchanged" }),
    );
  });

  test("queue: a save is rendered by its message alone, without cron", async () => {
    built.clearLogs();
    const created = await built.request("POST", "/configurations", {
      token,
      body: { deployment_name: "stack", config_data: DECISIONS, schema_version: "v1.0.0" },
    });
    expect(created.status, created.text).toBe(202);
    expect(created.json().data).toMatchObject({ watch: "/renders/1" });
    await expect.poll(() => renderState(1), { timeout: 60_000, interval: 200 }).toBe("rendered");
    const lines = built.logLines();
    expect(lines).toContainEqual(
      expect.objectContaining({
        event: "message.handled",
        queue: "leger-render-local",
        outcome: "done",
        state: "rendered",
      }),
    );
    expect(lines.map(({ event }) => event)).not.toContain("sweep.finished");
  });

  test("fetch: a device polls, downloads every file and finds the bytes that the manifest names", async () => {
    const polled = await built.request("GET", "/config/latest", { token });
    expect(polled.status).toBe(200);
    etag = polled.headers.get("etag") ?? "";
    const latest = Latest.parse(polled.json().data);
    expect(latest.version).toBe(1);
    expect(latest.files.map(({ filename }) => filename)).toEqual(latest.manifest.files.map(({ filename }) => filename));
    expect(latest.files.length).toBeGreaterThan(8);
    for (const file of latest.files) {
      const downloaded = await built.request("GET", file.path, { token });
      expect([file.filename, downloaded.status, sha256(downloaded.bytes), downloaded.bytes.byteLength]).toEqual([
        file.filename,
        200,
        file.sha256,
        file.size,
      ]);
    }
    const manifest = await built.request("GET", "/config/1/files/manifest.json", { token });
    expect(sha256(manifest.bytes)).toBe(latest.manifest_sha256);
  });

  test("fetch: a device that has the newest version gets a 304 without a body", async () => {
    const again = await built.request("GET", "/config/latest", { token, headers: { "if-none-match": etag } });
    expect(again).toMatchObject({ status: 304, text: "" });
    expect(Number(again.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("cron, each minute: the sweep runs, and leaves alone what is done", async () => {
    const before = await built.request("GET", "/renders/1", { token });
    built.clearLogs();
    expect(await built.cron(MINUTELY)).toMatchObject({ outcome: "ok" });
    expect(built.logLines()).toContainEqual(expect.objectContaining({ event: "sweep.finished", count: 0 }));
    const after = await built.request("GET", "/renders/1", { token });
    expect(after.json()).toEqual(before.json());
  });
});
