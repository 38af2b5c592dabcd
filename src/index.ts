import { createApi } from "#api/app.ts"; // first: the contracts extend zod before any schema is made
import { countImpact } from "#actions/count-impact.ts";
import { fanOut } from "#actions/fan-out.ts";
import { consume } from "#consumers/outcome.ts";
import { checkDevices } from "#consumers/check-devices.ts";
import { handleDeadLetter, handleRenderMessage } from "#consumers/render-message.ts";
import { sweep } from "#consumers/sweep.ts";
import { type Deps, depsFrom } from "#deps.ts";
import { syncRegistry } from "#registry/sync-registry.ts";

const api = createApi(depsFrom);

/** Cron expressions of wrangler.toml: each minute the sweep, each hour the registry and the devices. */
const HOURLY = "7 * * * *";

/** What was admitted goes to configurations first, and is counted after that. Each minute's sweep does what this leaves. */
async function announce(deps: Deps): Promise<void> {
  await syncRegistry(deps);
  await fanOut(deps);
  await countImpact(deps);
}

export default {
  fetch: api.fetch,

  async queue(batch, env, ctx) {
    const deps = depsFrom(env, (work) => ctx.waitUntil(work));
    const isDeadLetter = batch.queue.startsWith("leger-render-dlq");
    await consume(batch, deps.log, (body) =>
      isDeadLetter ? handleDeadLetter(deps, body) : handleRenderMessage(deps, body),
    );
  },

  async scheduled(controller, env, ctx) {
    const deps = depsFrom(env, (work) => ctx.waitUntil(work));
    if (controller.cron === HOURLY) await Promise.all([announce(deps), checkDevices(deps)]);
    else await sweep(deps);
  },
} satisfies ExportedHandler<Env>;
