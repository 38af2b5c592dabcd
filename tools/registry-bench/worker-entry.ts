import { workerOn } from "#worker.ts";
import { secondsAfter } from "#core/runtime.ts";
import { type Deps, depsFrom } from "#deps.ts";
import { seedConfigurations } from "./seed-configurations.ts";
import { countFanOut, progressOf } from "./count-fan-out.ts";

/**
 * The worker of the fan-out's benchmark: the product on a clock that may be ahead, because what a kill leaves behind is due minutes
 * later, and beside it routes that the API does not have: `seed` makes many configurations, `progress` and `count` read what came of them.
 * Never part of the product's build.
 */
function shifted(env: Env, after: Deps["after"]): Deps {
  const seconds = Number(Reflect.get(env, "BENCH_AHEAD_SECONDS") ?? "0");
  return { ...depsFrom(env, after), clock: { now: () => secondsAfter(new Date(), seconds) } };
}

const product = workerOn(shifted);

export default {
  ...product,
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    if (url.pathname === "/__bench/progress") return Response.json(await progressOf(env.DB));
    if (url.pathname === "/__bench/count") return Response.json(await countFanOut(env.DB));
    if (url.pathname !== "/__bench/seed") return product.fetch(request, env, ctx);
    const number = (name: string) => Number(url.searchParams.get(name) ?? "0");
    const deps = shifted(env, (work) => ctx.waitUntil(work));
    await seedConfigurations(deps, { from: number("from"), count: number("count") });
    return new Response("seeded");
  },
} satisfies ExportedHandler<Env>;
