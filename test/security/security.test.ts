// The shared security suite: every operation of openapi.json, asked by everybody who might. What each is answered follows
// from the operation's permission; what nobody but the owner may be answered is a canary.
import { describe, expect, test } from "vitest";
import { createApi, openApiDocument } from "#api/app.ts";
import { type Permission, mayBeGenerators, scopeHas } from "#core/permissions.ts";
import type { Answer } from "../world.ts";
import { DOORS, type Door, OPEN } from "./doors.ts";
import { type Site, expired, makeSite } from "./site.ts";

type Operation = { name: string; method: string; template: string; permission: Permission };

const document = openApiDocument(
  createApi(() => {
    throw new Error("the document needs no dependencies");
  }),
);
const all: Operation[] = Object.entries(document.paths ?? {}).flatMap(([template, methods]) =>
  Object.entries(methods as Record<string, { operationId: string; "x-permission": Permission }>).map(
    ([method, operation]) => ({
      name: operation.operationId,
      method: method.toUpperCase(),
      template,
      permission: operation["x-permission"],
    }),
  ),
);
const closed = all.filter(({ name }) => Object.hasOwn(DOORS, name));

test("no operation is left out", () => {
  const unlisted = all.filter(({ name }) => !Object.hasOwn(DOORS, name) && !Object.hasOwn(OPEN, name));
  expect(
    unlisted.map(({ name, method, template }) => `${name} (${method} ${template})`),
    "Add each of these to DOORS in test/security/doors.ts: how the owner of site.ts calls it, and what the owner is answered." +
      " Everybody else's answer follows. An operation without a token goes into OPEN, with what protects it.",
  ).toEqual([]);
  const known = new Set(all.map(({ name }) => name));
  expect([...Object.keys(DOORS), ...Object.keys(OPEN)].filter((name) => !known.has(name))).toEqual([]);
});

let readOnly: Promise<Site> | undefined;
/** What only reads shares one site; what writes gets its own. */
const siteFor = ({ method }: Operation) => (method === "GET" ? (readOnly ??= makeSite()) : makeSite());

type Actor = { token?: string; workspace?: string };
type Knock = { site: Site; operation: Operation; door: Door };

const knock = ({ site: { w }, operation: { method }, door }: Knock, as: Actor) =>
  w.request(method, door.path, {
    ...(as.token !== undefined && { token: as.token }),
    ...(door.body !== undefined && { body: door.body }),
    headers: { ...door.headers, ...(as.workspace !== undefined && { "x-leger-workspace": as.workspace }) },
  });

const textOf = (answer: Answer) =>
  `${typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body)}${JSON.stringify([...answer.headers])}`;

describe("who is answered what", () => {
  test.each(closed.map((operation) => [operation.name, operation] as const))("%s", async (name, operation) => {
    const site = await siteFor(operation);
    const door = DOORS[name]!(site);
    const { w, owner, tokens, canaries } = site;
    const leaks = (answer: Answer) => canaries.filter((canary) => textOf(answer).includes(canary));
    const ask = async (who: string, as: { token?: string; workspace?: string }) => {
      const answer = await knock({ site, operation, door }, as);
      expect(leaks(answer), `${who} was answered what is the owner's`).toEqual([]);
      expect(answer.status, `${who}: ${JSON.stringify(answer.body)}`).toBeLessThan(500);
      return answer.status;
    };

    expect(await ask("nobody", {}), "nobody").toBe(401);
    expect(await ask("a forger", { token: `${owner.token.slice(0, -8)}AAAAAAAA` }), "a forger").toBe(401);
    expect(await ask("an expired token", { token: await expired(w, owner.id) }), "an expired token").toBe(401);
    expect(await ask("a revoked token", { token: tokens.revoked }), "a revoked token").toBe(door.unbound ?? 401);
    expect(
      await ask("a stranger in the owner's workspace", { token: tokens.stranger, workspace: owner.id }),
      "a stranger in the owner's workspace",
    ).toBe(door.unbound ?? 401);

    const isTheOwners = operation.template.includes("{");
    const expected = door.stranger ?? (isTheOwners ? 404 : door.owner);
    expect(await ask("a stranger", { token: tokens.stranger }), "a stranger").toBe(expected);

    const generator = await ask("a generator for another namespace", { token: tokens.generator });
    const mayAsk =
      mayBeGenerators(operation.permission) && ["config:read", "config:write"].includes(operation.permission);
    const generatorMay = !mayAsk ? [403] : isTheOwners ? [403, 404] : [generator];
    expect(generatorMay, "a generator for another namespace").toContain(generator);

    const daemon = (await knock({ site, operation, door }, { token: tokens.legerd })).status;
    expect(daemon, "legerd").toBe(scopeHas("legerd", operation.permission) ? door.owner : 403);

    const served = await knock({ site, operation, door }, { token: owner.token });
    expect(served.status, `the owner: ${JSON.stringify(served.body)}`).toBe(door.owner);
  });
});

test("the canaries are where the owner looks, or this suite would see no leak", async () => {
  const site = await (readOnly ??= makeSite());
  const { owner, w, canaries } = site;
  const paths = ["/config/2/files/greeting.txt", "/secrets/get/kept", "/generators", "/devices"];
  for (const [index, path] of paths.entries())
    expect(textOf(await w.request("GET", path, { token: owner.token })), path).toContain(canaries[index]);
});
