import { readAs } from "#actions/read-as.ts";
import { type SecretSet, setSecret } from "#actions/set-secret.ts";
import { AppError } from "#core/errors.ts";
import type { Caller } from "#core/principal.ts";
import type { Secret } from "#core/secret.ts";
import { GENERATOR_DEFAULT, type SecretGenerator, generateSecret, generatorOf } from "#core/secret-generator.ts";
import { isSecretName } from "#core/secret-value.ts";
import type { Deps } from "#deps.ts";
import { secretUseStore } from "#store/secret-use-store.ts";

export type GenerateSecret = {
  name: string;
  generate: SecretGenerator | undefined;
  replace: boolean;
  key: string | undefined;
};

/**
 * Makes a value here and stores it, so that nobody has to see it: as asked, or as the schema of a configuration that needs it
 * says, or 32 random bytes. The value of a replay is not the one that was stored, and must not be shown.
 */
export async function generateAndSet(
  deps: Deps,
  caller: Caller,
  { name, generate, replace, key }: GenerateSecret,
): Promise<SecretSet & { value: Secret }> {
  if (!isSecretName(name)) throw AppError.of("invalid_secret_name", {});
  const { results } = await readAs(deps, { caller, permission: "secrets:write" }, [
    secretUseStore.selectGenerator.bind(deps.db, { workspace_id: caller.workspaceId, name }),
  ]);
  const [declared] = secretUseStore.selectGenerator.rows(results[0]);
  const generator =
    generate ?? (declared ? generatorOf(JSON.parse(declared.generate) as unknown) : null) ?? GENERATOR_DEFAULT;
  const value = generateSecret(generator, deps.random);
  const wanted = { name, value, isGenerated: true, isNew: !replace, route: "POST /secrets/generate", key };
  return { ...(await setSecret(deps, caller, wanted)), value };
}
