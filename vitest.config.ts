import path from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { makeLocalSecrets } from "./tools/local-secrets.ts";

// Behaviour in workerd on real D1, KV, R2 and Queues. Storage is shared by the tests of a run
// (`isolate: false` saves two seconds per file), so each test makes tenants of its own.
export default defineConfig(async () => ({
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "./wrangler.toml" },
      miniflare: {
        bindings: {
          ...makeLocalSecrets(),
          TEST_MIGRATIONS: await readD1Migrations(path.join(import.meta.dirname, "migrations")),
        },
      },
    }),
  ],
  test: { setupFiles: ["./test/setup.ts"], include: ["test/**/*.test.ts"], isolate: false, testTimeout: 30_000 },
}));
