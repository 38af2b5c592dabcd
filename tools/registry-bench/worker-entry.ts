import { createApi } from "#api/app.ts"; // first: the API extends zod before any schema is made
import { fanOut } from "#actions/fan-out.ts";
import { consume } from "#consumers/outcome.ts";
import { handleDeadLetter, handleRenderMessage } from "#consumers/render-message.ts";
import { sweep } from "#consumers/sweep.ts";
import { secondsAfter } from "#core/runtime.ts";
import { type Deps, depsFrom } from "#deps.ts";
import { syncRegistry } from "#registry/sync-registry.ts";
import { seedConfigurations } from "./seed-configurations.ts";
import { countFanOut, progressOf } from "./count-fan-out.ts";

/**
 * The worker of the fan-out's benchmark: src/index.ts on a clock that may be ahead, because what a kill leaves behind is due minutes
 * later, and beside it routes that the API does not have: `seed` makes many configurations, `progress` and `count` read what came of them.
 * Never part of the product's build.
 */
function shifted(env: Env, after: Deps["after"]): Deps {
  const seconds = Number(Reflect.get(env, "BENCH_AHEAD_SECONDS") ?? "0");
  return { ...depsFrom(env, after), clock: { now: () => secondsAfter(new Date(), seconds) } };
}

const api = createApi(shifted);

export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    if (url.pathname === "/__bench/progress") return Response.json(await progressOf(env.DB));
    if (url.pathname === "/__bench/count") return Response.json(await countFanOut(env.DB));
    if (url.pathname !== "/__bench/seed") return api.fetch(request, env, ctx);
    const number = (name: string) => Number(url.searchParams.get(name) ?? "0");
    const deps = shifted(env, (work) => ctx.waitUntil(work));
    await seedConfigurations(deps, { from: number("from"), count: number("count") });
    return new Response("seeded");
  },

  async queue(batch, env, ctx) {
    const deps = shifted(env, (work) => ctx.waitUntil(work));
    const isDeadLetter = batch.queue.startsWith("leger-render-dlq");
    await consume(batch, deps.log, (body) =>
      isDeadLetter ? handleDeadLetter(deps, body) : handleRenderMessage(deps, body),
    );
  },

  async scheduled(controller, env, ctx) {
    const deps = shifted(env, (work) => ctx.waitUntil(work));
    if (controller.cron === "* * * * *") await sweep(deps);
    else await syncRegistry(deps).then(() => fanOut(deps));
  },
} satisfies ExportedHandler<Env>;
