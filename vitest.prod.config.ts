import { defineConfig } from "vitest/config";

// The built worker, where eval is forbidden as in production.
export default defineConfig({
  test: { include: ["test-prod/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false },
});
