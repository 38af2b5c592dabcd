import "vitest";
declare global {
  namespace Cloudflare {
    interface Env {
      TEST_MIGRATIONS: import("cloudflare:test").D1Migration[];
      TEST_MIGRATIONS_DOWN: import("cloudflare:test").D1Migration[];
      TEST_UPSTREAMS_URL: string;
      /** Five requests in a minute. */
      TEST_SHIELD: RateLimit;
    }
  }
  interface ImportMeta {
    glob<T>(pattern: string, options: { query: string; import: string; eager: true }): Record<string, T>;
  }
}
declare module "vitest" {
  interface ProvidedContext {
    model: { count: number; seed: number };
  }
}
