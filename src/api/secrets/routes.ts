import { deleteSecret, purgeSecret, undeleteSecret } from "#actions/delete-secret.ts";
import { generateAndSet } from "#actions/generate-secret.ts";
import { readSecret } from "#actions/read-secret.ts";
import { type SecretSet, setSecret } from "#actions/set-secret.ts";
import { createRoutes } from "#api/create-routes.ts";
import * as contract from "#api/secrets/contract.ts";
import { deletedView } from "#api/secrets/deletion-view.ts";
import { AppError } from "#core/errors.ts";
import { LIMITS } from "#core/limits.ts";
import type { Secret } from "#core/secret.ts";
import { type ValueEncoding, isSecretName, parseValue, printValue } from "#core/secret-value.ts";

const success = <T>(data: T) => ({ success: true as const, data });

/** What changes secrets, and the one route that gives a value out. */
export const secretRoutes = () =>
  createRoutes()
    .openapi(contract.setSecretRoute, async (c) => {
      const { name, value, encoding } = c.req.valid("json");
      if (!isSecretName(name)) throw AppError.of("invalid_secret_name", {});
      const done = await setSecret(c.get("deps"), c.get("caller"), {
        name,
        value: requireValue(value, encoding),
        isGenerated: false,
        isNew: false,
        route: "POST /secrets/set",
        key: c.req.valid("header")["idempotency-key"],
      });
      return c.json(success(storedView(done)), done.isCreated ? 201 : 200);
    })
    .openapi(contract.generateSecretRoute, async (c) => {
      const { name, generate, replace, show } = c.req.valid("json");
      const key = c.req.valid("header")["idempotency-key"];
      const done = await generateAndSet(c.get("deps"), c.get("caller"), { name, generate, replace, key });
      const value = show && !done.isReplay ? printValue(done.value, "utf8") : null;
      const data = { ...storedView(done), value, is_replay: done.isReplay };
      return c.json(success(data), done.isCreated ? 201 : 200);
    })
    .openapi(contract.readSecretRoute, async (c) => {
      const { encoding = "utf8", version } = c.req.valid("query");
      const { name } = c.req.valid("param");
      const read = await readSecret(c.get("deps"), c.get("caller"), { name, version: version ?? null });
      const value = printValue(read.value, encoding);
      if (value === null) throw AppError.of("secret_is_binary", {});
      const data = { name: read.name, value, version: read.version, encoding, size_bytes: read.value.sizeBytes };
      return c.json(success(data), 200);
    })
    .openapi(contract.deleteSecretRoute, async (c) => {
      const row = await deleteSecret(c.get("deps"), c.get("caller"), c.req.valid("param").name);
      return c.json(success({ name: row.name, ...deletedView(row) }), 200);
    })
    .openapi(contract.undeleteSecretRoute, async (c) => {
      const { name, version, updated_at } = await undeleteSecret(
        c.get("deps"),
        c.get("caller"),
        c.req.valid("param").name,
      );
      return c.json(success({ name, version, updated_at, message: `Secret ${name} is restored.` }), 200);
    })
    .openapi(contract.purgeSecretRoute, async (c) => {
      const row = await purgeSecret(c.get("deps"), c.get("caller"), c.req.valid("param").name);
      return c.json(success({ name: row.name, ...deletedView(row) }), 200);
    });

function requireValue(text: string, encoding: ValueEncoding): Secret {
  const value = parseValue(text, encoding);
  if (value.ok) return value.value;
  const limit = LIMITS.secret_value_bytes_max.value;
  switch (value.error.code) {
    case "empty":
      throw AppError.of("secret_value_empty", {});
    case "too_large":
      throw AppError.of("secret_value_too_large", { bytes: value.error.bytes, limit });
    case "not_base64":
      throw AppError.of("secret_value_not_base64", {});
  }
}

const storedView = ({ set, isCreated, isReplay }: SecretSet) => ({
  name: set.name,
  version: set.version,
  updated_at: set.at,
  message: isReplay
    ? `This request was answered before; its value is not shown again. Secret ${set.name} got version ${set.version}.`
    : `Secret ${set.name} is ${isCreated ? "created" : "updated"} (version ${set.version}).`,
});
