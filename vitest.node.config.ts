import { defineConfig } from "vitest/config";
import { HANG_MS } from "./tools/hang-ms.ts";

// What needs Node: the nunjucks package as an oracle (it evaluates code), the tools, and child processes.
export default defineConfig({
  test: { include: ["test-node/**/*.test.ts"], testTimeout: HANG_MS, hookTimeout: HANG_MS },
});
