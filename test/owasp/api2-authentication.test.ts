// OWASP API2:2023, broken authentication. Signatures, classes and revocation are identity.test.ts; here tokens are
// carried where they do not belong, and mutated.
import fc from "fast-check";
import { expect, test } from "vitest";
import { world } from "../world.ts";

test("a token counts in the Authorization header and nowhere else", async () => {
  const w = world();
  const { token } = await w.tenant();
  const ask = async (path: string, headers: Record<string, string>) =>
    (await w.request("GET", path, { headers })).status;
  expect(await ask("/configurations", { authorization: `Bearer ${token}` })).toBe(200);
  for (const query of [`?access_token=${token}`, `?token=${token}`, `?authorization=Bearer%20${token}`])
    expect(await ask(`/configurations${query}`, {}), query.slice(0, 20)).toBe(401);
  const carried: Record<string, string>[] = [
    { cookie: `token=${token}; session=${token}` },
    { "x-api-key": token },
    { "x-forwarded-authorization": `Bearer ${token}` },
    { "proxy-authorization": `Bearer ${token}` },
    { authorization: token },
    { authorization: `Basic ${btoa(`user:${token}`)}` },
    { authorization: `Bearer ${token} ${token}` },
    { authorization: `Bearer ${token},Bearer x` },
    { "x-user-id": "1", "x-forwarded-user": "alice@github", "tailscale-user-login": "alice@github" },
  ];
  for (const headers of carried) expect(await ask("/configurations", headers), Object.keys(headers).join()).toBe(401);
});

test("no mutation of a person's or a generator's token is accepted, and none makes a 5xx", async () => {
  const w = world();
  const { token } = await w.tenant();
  const made = await w.request<{ token: string }>("POST", "/generators", {
    token,
    body: { name: "ci", scopes: ["config:read"] },
  });
  const tokens = [token, made.body.data.token];
  const position = fc.nat(10_000);
  const character = fc.constantFrom(...Array.from("ABCXYZabcxyz0189-_.=~"));
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        good: fc.constantFrom(...tokens),
        at: position,
        other: character,
        how: fc.constantFrom("replace", "insert", "drop", "cut"),
      }),
      async ({ good, at, other, how }) => {
        const index = 4 + (at % (good.length - 4));
        const rests = {
          replace: other + good.slice(index + 1),
          insert: other + good.slice(index),
          drop: good.slice(index + 1),
          cut: "",
        };
        const mutated = good.slice(0, index) + rests[how];
        fc.pre(!tokens.includes(mutated));
        expect((await w.request("GET", "/configurations", { token: mutated })).status).toBe(401);
      },
    ),
    { numRuns: 300 },
  );
});

test("refusals do not tell a token that never was from one that was revoked by their shape or headers", async () => {
  const w = world();
  const never = await w.request("GET", "/configurations", { token: "leg_a.b.c" });
  expect(never.headers.get("www-authenticate")).toMatch(/^Bearer/);
  expect(never.body.error.action).toBe("Re-authenticate with: leger auth login");
});
