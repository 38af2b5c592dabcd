import type { Caller } from "#core/principal.ts";
import type { Deps } from "#deps.ts";

export type ApiEnv = {
  Bindings: Env;
  Variables: { deps: Deps; caller: Caller; requestId: string };
};
