import { defineConfig } from "vitest/config";

// What needs Node: the nunjucks package as an oracle (it evaluates code), the tools, and child processes.
export default defineConfig({ test: { include: ["test-node/**/*.test.ts"], testTimeout: 60_000 } });
