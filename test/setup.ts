import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeAll } from "vitest";

// The test runtime lets code be made from strings, which a deployed Worker refuses. Make it refuse here too, so that no
// test passes by what production forbids. (Hooks come before the await: after it, Vitest no longer knows its runner.)
const original = globalThis.Function;
beforeAll(() => {
  const refuse = () => {
    throw new EvalError("Code generation from strings disallowed for this context");
  };
  globalThis.Function = new Proxy(original, { construct: refuse, apply: refuse });
});
afterAll(() => {
  globalThis.Function = original;
});

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
