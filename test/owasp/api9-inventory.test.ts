// OWASP API9:2023, improper inventory management: what is served is what is documented, limited and protected.
import { expect, test } from "vitest";
import { ROUTE_LIMITS } from "#api/route-limits.ts";
import { PERMISSION_NAMES } from "#core/permissions.ts";
import { operations } from "../operations.ts";
import { world } from "../world.ts";

/** Served besides the operations of openapi.json: the document itself, and the page that shows it. */
const PAGES = new Set(["GET /openapi.json", "GET /docs", "GET /docs/*"]);

test("every route that the worker serves is in openapi.json, and the other way round", async () => {
  const w = world();
  const documented = new Set(
    (await operations(w)).map(({ method, template }) => `${method} ${template.replaceAll(/\{(\w+)\}/g, ":$1")}`),
  );
  const served = new Set(
    w.api.routes.filter(({ method }) => method !== "ALL").map(({ method, path }) => `${method} ${path}`),
  );
  expect([...served].filter((route) => !documented.has(route) && !PAGES.has(route))).toEqual([]);
  expect([...documented].filter((route) => !served.has(route))).toEqual([]);
});

test("every operation has a name of its own, says what it needs, and has its limit", async () => {
  const all = await operations(world());
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  const unprotected = all.filter(
    ({ isOpen, permission }) => !isOpen && (permission === undefined || !PERMISSION_NAMES.includes(permission)),
  );
  expect(unprotected).toEqual([]);
  const unlimited = all.filter(
    ({ method, template }) => method !== "GET" && !Object.hasOwn(ROUTE_LIMITS, `${method} ${template}`),
  );
  expect(unlimited).toEqual([]);
});

test("there is no older, testing or administration door", async () => {
  const w = world();
  const { token } = await w.tenant();
  for (const path of [
    "/v1/configurations",
    "/api/configurations",
    "/admin",
    "/debug",
    "/metrics",
    "/.env",
    "/.git/config",
    "/graphql",
    "/actuator",
    "/cdn-cgi/handler/scheduled",
    "/wrangler.toml",
    "/package.json",
    "/swagger.json",
  ]) {
    expect((await w.request("GET", path)).status, path).toBe(401);
    expect((await w.request("GET", path, { token })).status, path).toBe(404);
  }
});
