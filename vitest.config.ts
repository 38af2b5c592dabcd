import path from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { HANG_MS } from "./tools/hang-ms.ts";
import { makeLocalSecrets } from "./tools/local-secrets.ts";
import { sharedUpstreams } from "./tools/upstreams/shared-upstreams.ts";

// Behaviour in workerd on real D1, KV, R2 and Queues. Storage is shared by the tests of a run, so each test makes
// tenants of its own (isolate: false saves two seconds per file).
/** The canary test looks into every store after all other tests have written to them. */
class CanaryLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => Number(isCanary(a)) - Number(isCanary(b)));
  }
}
const isCanary = ({ moduleId }: TestSpecification) => moduleId.endsWith("canary.test.ts");

export default defineConfig(async () => {
  const upstreams = await sharedUpstreams();
  return {
    plugins: [
      cloudflareTest({
        wrangler: { configPath: "./wrangler.toml" },
        miniflare: {
          ratelimits: { TEST_SHIELD: { namespace_id: "9999", simple: { limit: 5, period: 60 } } },
          bindings: {
            ...makeLocalSecrets(),
            GITHUB_API_URL: upstreams.githubUrl,
            TAILSCALE_API_URL: upstreams.tailscaleUrl,
            TAILSCALE_ID_TOKEN_ISSUER: upstreams.idTokenIssuer,
            TAILSCALE_ID_TOKEN_JWKS_URL: upstreams.idTokenJwksUrl,
            OPERATOR_LOGINS: "alice@github",
            // The upstreams know few people and addresses, whom all files of a run share; the limits' own tests set theirs.
            RATE_LIMITS: '{"authentication":100000,"failed_sign_ins":100000,"failed_sign_ins_of_device":100000}',
            TEST_UPSTREAMS_URL: upstreams.url,
            TEST_MIGRATIONS: await readD1Migrations(path.join(import.meta.dirname, "migrations")),
            TEST_MIGRATIONS_DOWN: await readD1Migrations(path.join(import.meta.dirname, "migrations-down")),
          },
        },
      }),
    ],
    test: {
      globalSetup: ["./tools/upstreams/shared-upstreams.ts"],
      setupFiles: ["./test/setup.ts"],
      include: ["test/**/*.test.ts"],
      isolate: false,
      sequence: { sequencer: CanaryLast },
      testTimeout: HANG_MS,
      hookTimeout: HANG_MS,
      provide: {
        model: { count: Number(process.env["MODEL_SEQUENCES"] ?? 15), seed: Number(process.env["MODEL_SEED"] ?? 1) },
      },
    },
  };
});
