import { createApi } from "#api/app.ts"; // first: the contracts extend zod before any schema is made
import { countImpact } from "#actions/count-impact.ts";
import { fanOut } from "#actions/fan-out.ts";
import { consume } from "#consumers/outcome.ts";
import { checkDevices } from "#consumers/check-devices.ts";
import { handleDeadLetter, handleRenderMessage } from "#consumers/render-message.ts";
import { sweep } from "#consumers/sweep.ts";
import type { Deps } from "#deps.ts";
import { syncRegistry } from "#registry/sync-registry.ts";

/** Cron expressions of wrangler.toml: each minute the sweep, each hour the registry and the devices. */
const HOURLY = "7 * * * *";

/** What was admitted goes to configurations first, and is counted after that. Each minute's sweep does what this leaves. */
async function announce(deps: Deps): Promise<void> {
  await syncRegistry(deps);
  await fanOut(deps);
  await countImpact(deps);
}

/** What a Worker exports, on what `depsOf` makes of its bindings: the product's own, or that of a benchmark with another clock. */
export function workerOn(depsOf: (env: Env, after: Deps["after"]) => Deps) {
  const api = createApi(depsOf);
  return {
    fetch: api.fetch,

    async queue(batch, env, ctx) {
      const deps = depsOf(env, (work) => ctx.waitUntil(work));
      const isDeadLetter = batch.queue.startsWith("leger-render-dlq");
      await consume(batch, deps.log, (body) =>
        isDeadLetter ? handleDeadLetter(deps, body) : handleRenderMessage(deps, body),
      );
    },

    async scheduled(controller, env, ctx) {
      const deps = depsOf(env, (work) => ctx.waitUntil(work));
      if (controller.cron === HOURLY) await Promise.all([announce(deps), checkDevices(deps)]);
      else await sweep(deps);
    },
  } satisfies ExportedHandler<Env>;
}
