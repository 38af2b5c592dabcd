import { createApi } from "#api/app.ts";
import { consume } from "#consumers/outcome.ts";
import { handleDeadLetter, handleRenderMessage } from "#consumers/render-message.ts";
import { sweep } from "#consumers/sweep.ts";
import { createLru } from "#core/lru.ts";
import { createCaches } from "#registry/caches.ts";
import { type Deps, depsFrom } from "#deps.ts";
import { syncRegistry } from "#registry/sync-registry.ts";
import type { BindingCall } from "../binding-call.ts";
import { holdBindings } from "./held-bindings.ts";
import { readState } from "./read-state.ts";

/**
 * The worker of the kill test: src/index.ts, but with bindings that the parent process can hold, a cron whose clock is the
 * time that it was played for, and nothing remembered in memory, so that each invocation makes the calls that the first one
 * in a fresh isolate makes. Never part of the product's build.
 */
type Invocation = { entry: BindingCall["entry"]; after: Deps["after"]; now?: Date };

function heldDeps(env: Env, { entry, after, now }: Invocation): Deps {
  const gateUrl = String(Reflect.get(env, "KILL_GATE_URL"));
  const deps = depsFrom({ ...env, ...holdBindings(env, { gateUrl, entry }) }, after);
  return {
    ...deps,
    caches: { ...createCaches(), packs: createLru(1), schemas: createLru(1) },
    ...(now && { clock: { now: () => new Date(now) } }),
  };
}

const api = createApi((env, after) => heldDeps(env, { entry: "fetch", after }));

export default {
  async fetch(request, env, ctx) {
    const url = new URL(request.url);
    if (url.pathname === "/__kill/state")
      return Response.json(await readState(env, url.searchParams.get("deployment") ?? ""));
    return api.fetch(request, env, ctx);
  },

  async queue(batch, env, ctx) {
    const deps = heldDeps(env, { entry: "queue", after: (work) => ctx.waitUntil(work) });
    const isDeadLetter = batch.queue.startsWith("leger-render-dlq");
    await consume(batch, deps.log, (body) =>
      isDeadLetter ? handleDeadLetter(deps, body) : handleRenderMessage(deps, body),
    );
  },

  async scheduled(controller, env, ctx) {
    const now = new Date(controller.scheduledTime);
    const deps = heldDeps(env, { entry: "scheduled", after: (work) => ctx.waitUntil(work), now });
    if (controller.cron === "* * * * *") await sweep(deps);
    else await syncRegistry(deps);
  },
} satisfies ExportedHandler<Env>;
