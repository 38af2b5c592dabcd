import { createGenerator } from "#actions/create-generator.ts";
import { deleteGenerator } from "#actions/delete-generator.ts";
import { listGenerators, readCascade, readGenerator } from "#actions/read-generators.ts";
import { restoreGenerator } from "#actions/restore-generator.ts";
import { rotateGenerator } from "#actions/rotate-generator.ts";
import { createRoutes } from "#api/create-routes.ts";
import * as contract from "#api/generators/contract.ts";
import { toInstant } from "#core/runtime.ts";
import type { GeneratorRow } from "#store/generator-store.ts";

const success = <T>(data: T) => ({ success: true as const, data });

export const generatorRoutes = () =>
  createRoutes()
    .openapi(contract.createGeneratorRoute, async (c) => {
      const key = c.req.valid("header")["idempotency-key"];
      const made = await createGenerator(c.get("deps"), c.get("caller"), { input: c.req.valid("json"), key });
      const data = { generator: view(made.generator, now(c)), token: made.token };
      c.header("location", `/generators/${made.generator.id}`);
      return made.token === null ? c.json(success(data), 200) : c.json(success(data), 201);
    })
    .openapi(contract.listGeneratorsRoute, async (c) => {
      const deleted = c.req.valid("query").deleted === "true";
      const rows = await listGenerators(c.get("deps"), c.get("caller"), { deleted });
      return c.json(success({ generators: rows.map((row) => view(row, now(c))) }), 200);
    })
    .openapi(contract.readGeneratorRoute, async (c) => {
      const row = await readGenerator(c.get("deps"), c.get("caller"), c.req.valid("param").id);
      c.header("etag", `"${row.change_id}"`);
      return c.json(success(view(row, now(c))), 200);
    })
    .openapi(contract.rotateGeneratorRoute, async (c) => {
      const overlapSeconds = c.req.valid("json")?.overlap_seconds ?? 0;
      const of = { id: c.req.valid("param").id, overlapSeconds };
      const { generator, token } = await rotateGenerator(c.get("deps"), c.get("caller"), of);
      return c.json(success({ generator: view(generator, now(c)), token }), 200);
    })
    .openapi(contract.previewCascadeRoute, async (c) => {
      const { cascade } = await readCascade(c.get("deps"), c.get("caller"), c.req.valid("param").id);
      const goes = cascade.goes.map(({ deployment_name: name, is_active, ...row }) => ({
        ...row,
        name,
        is_active: is_active === 1,
      }));
      return c.json(success({ ...cascade, generator: view(cascade.generator, now(c)), goes }), 200);
    })
    .openapi(contract.deleteGeneratorRoute, async (c) => {
      const { cascade, confirm = null } = c.req.valid("query");
      const of = { id: c.req.valid("param").id, cascade: cascade === "true", confirm };
      const { generator, deleted, remaining } = await deleteGenerator(c.get("deps"), c.get("caller"), of);
      const gone = deleted.map(({ deployment_name: name, ...row }) => ({ ...row, name }));
      return c.json(success({ generator: view(generator, now(c)), deleted: gone, remaining }), 200);
    })
    .openapi(contract.restoreGeneratorRoute, async (c) => {
      const { generator, token } = await restoreGenerator(c.get("deps"), c.get("caller"), c.req.valid("param").id);
      return c.json(success({ generator: view(generator, now(c)), token }), 200);
    });

const now = (c: { get(name: "deps"): { clock: { now(): Date } } }) => toInstant(c.get("deps").clock.now());

const view = (row: GeneratorRow, at: string) => ({
  id: row.id,
  name: row.name,
  description: row.description,
  scopes: JSON.parse(row.scopes) as string[],
  namespaces: JSON.parse(row.namespaces) as string[],
  requests_per_hour: row.requests_per_hour,
  expires_at: row.expires_at,
  is_expired: row.expires_at <= at,
  created_at: row.created_at,
  created_by: `user:${row.user_uuid}`,
  rotated_at: row.rotated_at,
  last_used_at: row.last_used_at,
  deleted_at: row.deleted_at,
  configurations: row.configurations,
});
