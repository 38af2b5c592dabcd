import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeAll } from "vitest";

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);

// The test runtime lets code be made from strings, which a deployed Worker refuses. Make it refuse here too, so that no
// test passes by what production forbids.
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
