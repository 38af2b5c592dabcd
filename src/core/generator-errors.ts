import { type NoParams, row } from "#core/error-row.ts";

/** The catalogue's rows about machine identities. */
export const GENERATOR_ERRORS = {
  namespace_forbidden: row(
    403,
    (p: { namespace: string }) => `This generator may not write in the namespace ${p.namespace}.`,
    "Write in one of its namespaces, or make a generator with another.",
  ),
  generator_not_found: row(
    404,
    (p: { id: string }) => `There is no generator ${p.id} here.`,
    "List them with GET /generators?deleted=true.",
  ),
  generator_name_taken: row(
    409,
    (p: { name: string }) => `A generator ${p.name} exists already.`,
    "Choose another name, or rotate the token of that one.",
  ),
  generator_changed: row(
    409,
    (_: NoParams) => "Somebody changed this generator at the same moment; nothing was done.",
    "Read it, and try again where that is still wanted.",
  ),
  generator_too_wide: row(
    403,
    (p: { scope: string }) => `You may not do ${p.scope} yourself, so no generator of yours may.`,
    "Leave that scope out, or ask somebody who has it.",
  ),
  generators_too_many: row(
    409,
    (p: { limit: number }) => `This workspace has ${p.limit} generators already.`,
    "Delete one that is no longer used.",
  ),
  generator_gone: row(
    410,
    (p: { days: number }) => `It was deleted more than ${p.days} days ago, and can no longer be restored.`,
    "Make a new one: POST /generators",
  ),
  cascade_not_previewed: row(
    409,
    (_: NoParams) => "A cascade needs the confirm of its newest preview: what goes, as it is now.",
    "Read GET /generators/{id}/cascade, and send its confirm: DELETE /generators/{id}?cascade=true&confirm=…",
  ),
} as const;
