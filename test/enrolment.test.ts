import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { enrolmentAudience } from "#core/id-token.ts";
import { isWrite } from "#store/statement.ts";
import { deviceClient } from "./device-client.ts";
import { claimsOnly, codeOf, enrolled, shownCode } from "./enrolled.ts";
import { tailnetOf, tailnetOfOne } from "./tailnet-of.ts";
import { world } from "./world.ts";

type World = ReturnType<typeof world>;
type Client = Awaited<ReturnType<typeof deviceClient>>;
type Tailnet = Awaited<ReturnType<typeof tailnetOf>>;

/** An id-token of the device for the client's key, with the nonce that it has now. */
const idTokenFor = async (
  w: World,
  client: Client,
  { tailnet, host, claims }: { tailnet: Tailnet; host: string; claims?: object },
) => {
  const audience = enrolmentAudience({
    server: w.deps.settings.TOKEN_ISSUER,
    nonce: client.nonce,
    thumbprint: client.thumbprint,
  });
  return tailnet.idToken(host, audience, claims);
};

/** Lets `count` sign-ins read the account before any of them writes: the race that the guards are for. */
function meetAfterReading(w: World, count: number): void {
  const { db } = w.deps;
  let waiting: (() => void)[] = [];
  let left = count;
  w.deps.db = new Proxy(db, {
    get(target, name) {
      if (name !== "batch") return (target[name as keyof D1Database] as (...args: never[]) => unknown).bind(target);
      return async (statements: D1PreparedStatement[]) => {
        const results = await target.batch(statements);
        if (left > 0 && !statements.some(isWrite)) {
          left--;
          await new Promise<void>((resolve) => waiting.push(resolve));
        }
        return results;
      };
    },
  });
  const release = () => {
    if (left > 0) return void setTimeout(release, 5);
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  release();
}

describe("the first key", () => {
  test("in a tailnet of several people, Tailscale's id-token opens; claims, or claims with a key, do not", async () => {
    const w = world();
    const team = await tailnetOf(w, ["bob", "carol"]);
    const laptop = await deviceClient(w);
    expect(codeOf(await claimsOnly(w, team.claims()))).toBe("device_key_required");
    expect(codeOf(await laptop.signIn(team.claims()))).toBe("device_key_required");
    const answer = await laptop.signIn(team.claims(), {
      id_token: await idTokenFor(w, laptop, { tailnet: team, host: "laptop" }),
    });
    expect(answer).toMatchObject({ status: 200, body: { data: { token_type: "DPoP" } } });
    const { token } = answer.body.data;
    expect((await laptop.request("GET", "/auth/whoami", { token })).body.data).toMatchObject({
      is_bound: true,
      scope: "cli",
    });
  });

  test("an id-token of another device, user, key, nonce, time, issuer or signature, or tagged, opens nothing", async () => {
    const w = world();
    const team = await tailnetOf(w, ["bob", "carol"]);
    await team.putDevice("carols", { user: team.login("carol") });
    const laptop = await deviceClient(w);
    const other = await deviceClient(w);
    await laptop.warmUp();
    const now = Math.floor(w.clock.now().getTime() / 1000);
    const good = await idTokenFor(w, laptop, { tailnet: team, host: "laptop" });
    const [header, , signature] = good.split(".");
    const audience = (changes: Partial<Parameters<typeof enrolmentAudience>[0]>) => ({
      claims: {
        aud: enrolmentAudience({
          server: w.deps.settings.TOKEN_ISSUER,
          nonce: laptop.nonce,
          thumbprint: laptop.thumbprint,
          ...changes,
        }),
      },
    });
    const made = (of: { host?: string; claims?: object }) =>
      idTokenFor(w, laptop, { tailnet: team, host: "laptop", ...of });
    const wrong = {
      "another device's": await made({ host: "carols" }),
      "another user's": await made({ claims: { user: `${team.name}:${team.login("carol")}` } }),
      "another key's": await made(audience({ thumbprint: other.thumbprint })),
      "another nonce's": await made(audience({ nonce: "1.x" })),
      "another server's": await made(audience({ server: "https://elsewhere.example" })),
      "several audiences": await made({ claims: { aud: [audience({}).claims.aud, "https://elsewhere.example"] } }),
      "another issuer's": await made({ claims: { iss: "https://elsewhere.example" } }),
      expired: await made({ claims: { exp: now - 61 } }),
      "issued an hour ago": await made({ claims: { iat: now - 3600 } }),
      "without a time": await made({ claims: { iat: null } }),
      tagged: await made({ claims: { tags: ["tag:ci"] } }),
      unsigned: `${btoa('{"alg":"none"}').replaceAll("=", "")}.${good.split(".")[1]}.`,
      "of another's claims under a good signature": `${header}.${(await made({ host: "carols" })).split(".")[1]}.${signature}`,
      garbage: "a.b.c",
    };
    for (const [name, id_token] of Object.entries(wrong)) {
      const answer = await laptop.signIn(team.claims(), { id_token });
      expect([answer.status, codeOf(answer)], name).toEqual([401, "id_token_invalid"]);
    }
    const keyless = await w.request("POST", "/auth/cli", { body: { tailscale: team.claims(), id_token: good } });
    expect(codeOf(keyless as never)).toBe("id_token_invalid");
    expect((await laptop.signIn(team.claims(), { id_token: good })).status).toBe(200);
  });

  test("an operator's code opens once, to the login that it was made for, within a day", async () => {
    const w = world();
    const team = await tailnetOf(w, ["bob", "carol"]);
    const operator = await w.tenant();
    w.deps.settings = { ...w.deps.settings, OPERATOR_LOGINS: [operator.login] };
    const stranger = await w.tenant(`${w.name}-x@example.com`);
    const make = (token: string, login = team.login("bob")) =>
      w.request<{ code: string }>("POST", "/auth/enrolment-codes", { token, body: { login } });
    expect(await make(stranger.token)).toMatchObject({
      status: 403,
      body: { error: { code: "insufficient_permissions" } },
    });
    const { code } = (await make(operator.token)).body.data;
    const forCarol = (await make(operator.token, team.login("carol"))).body.data.code;
    const late = (await make(operator.token)).body.data.code;
    expect(JSON.stringify((await env.DB.prepare("SELECT * FROM one_time_codes").all()).results)).not.toContain(code);

    const laptop = await deviceClient(w);
    for (const wrong of ["AAAA-BBBB-CCCC-DDDD", forCarol])
      expect(codeOf(await laptop.signIn(team.claims(), { code: wrong }))).toBe("code_invalid");
    expect(codeOf(await claimsOnly(w, { ...team.claims() }))).toBe("device_key_required");
    expect((await laptop.signIn(team.claims(), { code: code.toLowerCase().replaceAll("-", " ") })).status).toBe(200);
    const second = await deviceClient(w);
    expect(codeOf(await second.signIn(team.claims("server"), { code }))).toBe("code_invalid");
    w.clock.advance(86_401);
    expect(codeOf(await second.signIn(team.claims("server"), { code: late }))).toBe("code_invalid");
  });

  test("one code used by ten devices at the same moment enrols one", async () => {
    const w = world();
    const team = await tailnetOf(w, ["bob", "carol"]);
    const operator = await w.tenant();
    w.deps.settings = { ...w.deps.settings, OPERATOR_LOGINS: [operator.login] };
    const { code } = (
      await w.request<{ code: string }>("POST", "/auth/enrolment-codes", {
        token: operator.token,
        body: { login: team.login("bob") },
      })
    ).body.data;
    const clients = await Promise.all(Array.from({ length: 10 }, () => deviceClient(w)));
    for (const client of clients) await client.warmUp();
    meetAfterReading(w, 10);
    const answers = await Promise.all(
      clients.map((client, index) => client.signIn(team.claims(index % 2 ? "laptop" : "server"), { code })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status !== 200).map(codeOf)).toEqual(Array(9).fill("code_invalid"));
  });
});

describe("after enrolment", () => {
  test("stolen claims open nothing: not the device's own, not another's, with no key or with the thief's", async () => {
    const { w, tailnet, laptop, token } = await enrolled();
    const thief = await deviceClient(w);
    expect(codeOf(await claimsOnly(w, tailnet.claims()))).toBe("device_proof_required");
    expect(codeOf(await claimsOnly(w, tailnet.claims("server")))).toBe("approval_pending");
    expect(codeOf(await thief.signIn(tailnet.claims()))).toBe("approval_pending");
    expect(codeOf(await thief.signIn(tailnet.claims("server")))).toBe("approval_pending");
    const id_token = await idTokenFor(w, thief, { tailnet, host: "laptop" });
    expect(codeOf(await thief.signIn(tailnet.claims(), { id_token }))).toBe("approval_pending");
    expect((await laptop.request("GET", "/auth/whoami", { token })).status).toBe(200);
    expect((await laptop.signIn(tailnet.claims())).status).toBe(200);
  });

  test("a token from before the key is dead", async () => {
    const w = world();
    const tailnet = await tailnetOfOne(w);
    const { token } = (await claimsOnly(w, tailnet.claims())).body.data;
    expect((await w.request("GET", "/auth/whoami", { token })).status).toBe(200);
    expect((await (await deviceClient(w)).signIn(tailnet.claims())).status).toBe(200);
    expect((await w.request("GET", "/auth/whoami", { token })).status).toBe(401);
  });

  test("a further device and a client without keys are approved by the code on their screens, once each", async () => {
    const { w, tailnet, laptop, token } = await enrolled();
    const server = await deviceClient(w);
    const waiting = await server.signIn(tailnet.claims("server"));
    expect(waiting).toMatchObject({ status: 403, body: { error: { code: "approval_pending" } } });
    const code = shownCode(waiting);
    expect(code).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    expect(shownCode(await server.signIn(tailnet.claims("server")))).toBe(code);

    const list = await laptop.request("GET", "/auth/devices", { token });
    expect(list.body.data).toMatchObject({
      waiting: [{ hostname: "server", has_key: true, key_thumbprint: server.thumbprint, state: "pending" }],
    });
    expect(JSON.stringify(list.body)).not.toContain(code);

    const decide = (body: object) => laptop.request("POST", "/auth/devices", { token, body });
    expect(codeOf(await decide({ code: "0000-0000", decision: "approve" }))).toBe("approval_not_found");
    expect((await decide({ code, decision: "approve" })).status).toBe(200);
    expect((await decide({ code, decision: "approve" })).status).toBe(200);
    expect(codeOf(await decide({ code, decision: "deny" }))).toBe("approval_decided");
    const thief = await deviceClient(w);
    expect(codeOf(await thief.signIn(tailnet.claims("server")))).toBe("approval_pending");
    expect((await server.signIn(tailnet.claims("server"))).body.data.token_type).toBe("DPoP");

    // the Go client on a third machine
    await tailnet.putDevice("nas");
    const goCode = shownCode(await claimsOnly(w, tailnet.claims("nas")));
    expect((await decide({ code: goCode, decision: "approve" })).status).toBe(200);
    expect(codeOf(await claimsOnly(w, tailnet.claims("nas"), "203.0.113.9"))).toBe("approval_pending");
    const got = await claimsOnly(w, tailnet.claims("nas"));
    expect(got.body.data.token_type).toBe("Bearer");
    expect((await w.request("GET", "/auth/whoami", { token: got.body.data.token })).body.data).toMatchObject({
      is_bound: false,
    });
    expect(codeOf(await claimsOnly(w, tailnet.claims("nas")))).toBe("approval_pending");
  });

  test("of ten approvals and ten denials at the same moment one decision stands, and everybody is told", async () => {
    const { w, tailnet, laptop, token } = await enrolled();
    const server = await deviceClient(w);
    const code = shownCode(await server.signIn(tailnet.claims("server")));
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        laptop.request<{ state: string }>("POST", "/auth/devices", {
          token,
          body: { code, decision: index % 2 ? "approve" : "deny" },
        }),
      ),
    );
    const states = new Set(answers.filter(({ status }) => status === 200).map(({ body }) => body.data.state));
    expect(states.size).toBe(1);
    expect(answers.filter(({ status }) => status === 409).length).toBe(10);
    const { results } = await env.DB.prepare(
      "SELECT action FROM audit_log WHERE actor = (SELECT 'user:' || user_uuid FROM users WHERE tailscale_email = ?) AND action IN ('device.approved', 'device.denied')",
    )
      .bind(tailnet.login("erin"))
      .all();
    expect(results).toHaveLength(1);
  });

  test("an approval lets ten sign-ins at the same moment in once", async () => {
    const { w, tailnet, laptop, token } = await enrolled();
    const code = shownCode(await claimsOnly(w, tailnet.claims("server")));
    await laptop.request("POST", "/auth/devices", { token, body: { code, decision: "approve" } });
    meetAfterReading(w, 10);
    const answers = await Promise.all(Array.from({ length: 10 }, () => claimsOnly(w, tailnet.claims("server"))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test("a denial stands for a quarter of an hour; an approval lapses after it", async () => {
    const { w, tailnet, laptop, token } = await enrolled();
    const server = await deviceClient(w);
    const decide = async (decision: string) =>
      laptop.request("POST", "/auth/devices", {
        token,
        body: { code: shownCode(await server.signIn(tailnet.claims("server"))), decision },
      });
    expect((await decide("deny")).status).toBe(200);
    expect(codeOf(await server.signIn(tailnet.claims("server")))).toBe("approval_denied");
    w.clock.advance(901);
    expect((await decide("approve")).status).toBe(200);
    w.clock.advance(901);
    expect(codeOf(await server.signIn(tailnet.claims("server")))).toBe("approval_pending");
  });

  test("recovery codes: shown once, stored hashed, each good for one new key, a new set ends the old", async () => {
    const { w, tailnet, laptop, token } = await enrolled();
    const make = () => laptop.request<{ codes: string[] }>("POST", "/auth/recovery-codes", { token });
    const old = (await make()).body.data.codes;
    const { codes } = (await make()).body.data;
    expect(new Set([...codes, ...old]).size).toBe(20);
    const stored = JSON.stringify((await env.DB.prepare("SELECT * FROM one_time_codes").all()).results);
    for (const code of codes) expect(stored).not.toContain(code);

    const reinstalled = await deviceClient(w);
    expect(codeOf(await reinstalled.signIn(tailnet.claims(), { code: old[0] }))).toBe("code_invalid");
    expect(codeOf(await claimsOnly(w, { ...tailnet.claims() }))).toBe("device_proof_required");
    expect((await reinstalled.signIn(tailnet.claims(), { code: codes[0] })).status).toBe(200);
    expect(codeOf(await laptop.request("GET", "/auth/whoami", { token }))).toBe("invalid_token");
    expect(codeOf(await laptop.signIn(tailnet.claims(), { code: codes[0] }))).toBe("code_invalid");

    // a token that is bound to no key makes no codes, and approves nobody
    const plain = await w.tenant();
    for (const [path, body] of [
      ["/auth/recovery-codes", undefined],
      ["/auth/devices", { code: "AAAA-AAAA", decision: "approve" }],
    ] as const)
      expect(await w.request("POST", path, { token: plain.token, ...(body && { body }) })).toMatchObject({
        status: 403,
        body: { error: { code: "enrolled_device_required" } },
      });
  });

  test("each enrolment, approval, set of codes and token is one row of the audit log", async () => {
    const { w, tailnet, laptop, token } = await enrolled();
    const { user_uuid } = (await laptop.request<{ user_uuid: string }>("GET", "/auth/whoami", { token })).body.data;
    const actions = async (of: string) =>
      (
        await env.DB.prepare("SELECT action FROM audit_log WHERE workspace_id = ? AND actor = ? ORDER BY seq")
          .bind(of, `user:${user_uuid}`)
          .all<{ action: string }>()
      ).results.map(({ action }) => action);
    w.deps.settings = { ...w.deps.settings, OPERATOR_LOGINS: [tailnet.login("erin")] };
    const code = shownCode(await claimsOnly(w, tailnet.claims("server")));
    const post = (path: string, body?: object) => laptop.request("POST", path, { token, ...(body && { body }) });
    expect((await post("/auth/devices", { code, decision: "deny" })).status).toBe(200);
    expect((await post("/auth/recovery-codes")).status).toBe(201);
    expect((await post("/auth/tokens", { scope: "legerd" })).status).toBe(201);
    expect((await post("/auth/enrolment-codes", { login: "x@example.com" })).status).toBe(201);
    expect(await actions(user_uuid)).toEqual([
      "device.enrolled",
      "device.denied",
      "recovery_codes.made",
      "token.minted",
    ]);
    expect(await actions("system")).toEqual(["enrolment_code.made"]);
  });

  test("1,000 forged sign-ins in a user's name leave the owner's door open", async () => {
    const { w, tailnet, laptop, token } = await enrolled({ limits: {} });
    const thief = await deviceClient(w);
    let served = 0;
    for (let index = 0; index < 1000; index += 20) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, offset) =>
          (index + offset) % 2
            ? claimsOnly(
                w,
                tailnet.claims((index + offset) % 4 === 1 ? "laptop" : "server"),
                `198.51.100.${(index + offset) % 250}`,
              )
            : thief.signIn(tailnet.claims(), { code: `AAAA-BBBB-${index + offset}` }),
        ),
      );
      served += answers.filter(({ status }) => status < 400).length;
    }
    expect(served).toBe(0);
    expect((await laptop.signIn(tailnet.claims())).status).toBe(200);
    const server = await deviceClient(w);
    const code = shownCode(await server.signIn(tailnet.claims("server")));
    expect((await laptop.request("POST", "/auth/devices", { token, body: { code, decision: "approve" } })).status).toBe(
      200,
    );
    expect((await server.signIn(tailnet.claims("server"))).status).toBe(200);
  });
});
