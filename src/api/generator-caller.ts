import type { Context } from "hono";
import type { ApiEnv } from "#api/context.ts";
import { AppError } from "#core/errors.ts";
import { parseGeneratorToken } from "#core/generator.ts";
import { type Permission, mayBeGenerators } from "#core/permissions.ts";
import type { GeneratorCaller } from "#core/principal.ts";

/**
 * Who sends a generator's token. Its ids are read out of it, its own check holds, and whether it counts is answered by the
 * query that reads what the request is about. What no generator may ever do is refused here already.
 */
export async function generatorCaller(
  c: Context<ApiEnv>,
  token: string,
  permission: Permission,
): Promise<GeneratorCaller> {
  const parsed = await parseGeneratorToken(token);
  if (!parsed) throw AppError.of("invalid_token", { detail: "it is cut or misspelt" });
  const { workspaceId, generatorId, hash } = parsed;
  const asked = c.req.header("x-leger-workspace");
  if (asked !== undefined && asked !== workspaceId)
    throw AppError.of("invalid_token", { detail: "it belongs to another workspace" });
  if (!mayBeGenerators(permission)) throw AppError.of("insufficient_permissions", { scope: permission });
  return {
    kind: "generator",
    actor: `generator:${generatorId}`,
    workspaceId,
    permission,
    generatorId,
    tokenHash: hash,
    limit: "generator_requests",
  };
}
