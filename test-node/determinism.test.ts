import { spawnSync } from "node:child_process";
import path from "node:path";
import { expect, test } from "vitest";

const ROOT = path.join(import.meta.dirname, "..");

test.each([
  { TZ: "Pacific/Kiritimati", LC_ALL: "C" },
  { TZ: "America/St_Johns", LC_ALL: "tr_TR.UTF-8" },
])("every fixture case renders byte-identical in another process, in %o", (zone) => {
  const env = { PATH: process.env["PATH"] ?? "", ...zone };
  const done = spawnSync(process.execPath, ["tools/fixtures.ts"], { cwd: ROOT, env, encoding: "utf8" });
  expect(done.stderr).toBe("");
  expect(done.stdout).toMatch(/^\d{3,} files as expected$/m);
  expect(done.status).toBe(0);
});
