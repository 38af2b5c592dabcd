import { defineConfig } from "vitest/config";
import { HANG_MS } from "./tools/hang-ms.ts";

// The built worker, where eval is forbidden as in production.
export default defineConfig({
  test: { include: ["test-prod/**/*.test.ts"], testTimeout: HANG_MS, hookTimeout: HANG_MS, fileParallelism: false },
});
