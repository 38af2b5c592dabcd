import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { mintToken } from "#core/token.ts";
import { deviceClient } from "./device-client.ts";
import { codeOf, enrolled, shownCode } from "./enrolled.ts";
import { SMALL_PACK } from "./fixture-packs.ts";
import { world } from "./world.ts";

type World = ReturnType<typeof world>;
type Client = Awaited<ReturnType<typeof deviceClient>>;

describe("a proof", () => {
  const save = (slug: string, port: number) => ({
    deployment_name: "site",
    pack: slug,
    config_data: { web: { port } },
  });

  test("is refused, each with its code: missing, as bearer, replayed, old or foreign nonce, other method, address, key or token, clock off by an hour, malformed", async () => {
    const { w, laptop, token } = await enrolled();
    const path = "/auth/whoami";
    const ask = async (options: Parameters<Client["request"]>[2]) => {
      const answer = await laptop.request("GET", path, { token, ...options });
      const { status, headers } = answer;
      return [status, status === 200 ? null : codeOf(answer), headers.get("www-authenticate")?.split(" ")[0] ?? null];
    };
    expect(await ask({})).toEqual([200, null, null]);
    expect(await ask({ headers: { authorization: `Bearer ${token}` } })).toEqual([401, "proof_missing", "DPoP"]);
    const bare = await w.request("GET", path, { headers: { authorization: `DPoP ${token}` } });
    expect([bare.status, codeOf(bare)]).toEqual([401, "proof_missing"]);
    expect(bare.headers.get("dpop-nonce")).toMatch(/\./);

    const now = Math.floor(w.clock.now().getTime() / 1000);
    const thief = await deviceClient(w);
    const other = await enrolled();
    const cases: [string, Record<string, unknown>][] = [
      ["proof_mismatch", { htm: "POST" }],
      ["proof_mismatch", { htu: `${w.deps.settings.PUBLIC_URL}/auth/sessions` }],
      ["proof_mismatch", { htu: `https://elsewhere.example${path}` }],
      ["proof_mismatch", { ath: "x".repeat(43) }],
      ["proof_mismatch", { ath: null }],
      ["proof_clock", { iat: now - 3600 }],
      ["proof_clock", { iat: now + 3600 }],
      ["use_dpop_nonce", { nonce: null }],
      ["use_dpop_nonce", { nonce: `${laptop.nonce.slice(0, -2)}AA` }],
      ["use_dpop_nonce", { nonce: `${laptop.nonce.split(".")[0]?.slice(0, -1)}z.${laptop.nonce.split(".")[1]}` }],
      ["proof_invalid", { jti: null }],
      ["proof_invalid", { jti: "short" }],
      ["proof_invalid", { iat: "now" }],
    ];
    for (const [code, proof] of cases) {
      const exactProof = await laptop.prove({ method: "GET", path, token }, proof);
      expect(await ask({ exactProof }), JSON.stringify(proof)).toEqual([401, code, "DPoP"]);
    }
    thief.nonce = laptop.nonce;
    expect(await ask({ exactProof: await thief.prove({ method: "GET", path, token }) })).toEqual([
      401,
      "proof_key_mismatch",
      "DPoP",
    ]);
    expect(await ask({ exactProof: await laptop.prove({ method: "GET", path, token: other.token }) })).toEqual([
      401,
      "proof_mismatch",
      "DPoP",
    ]);
    for (const exactProof of ["", "a.b.c", "x".repeat(3000), `${laptop.lastProof.slice(0, -3)}AAA`])
      expect((await ask({ exactProof }))[1], exactProof.slice(0, 20)).toMatch(/^proof_(?:invalid|missing)$/);

    const old = await laptop.prove({ method: "GET", path, token });
    w.clock.advance(301);
    expect(await ask({ exactProof: old })).toEqual([401, "use_dpop_nonce", "DPoP"]);
  });

  test("that wrote once is refused when it comes again, at once or at the same moment, and nothing is done twice", async () => {
    const { w, laptop, token } = await enrolled();
    const { slug } = await w.admit(SMALL_PACK);
    expect((await laptop.request("POST", "/configurations", { token, body: save(slug, 80) })).status).toBe(202);
    const replay = await w.request("POST", "/configurations", {
      body: save(slug, 80),
      headers: { authorization: `DPoP ${token}`, dpop: laptop.lastProof },
    });
    expect([replay.status, codeOf(replay)]).toEqual([401, "proof_replayed"]);

    const put = { method: "PUT", path: "/configurations/site", token };
    const dpop = await laptop.prove(put);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        w.request("PUT", put.path, {
          body: { config_data: { web: { port: 8000 + index } } },
          headers: { authorization: `DPoP ${token}`, dpop, "if-match": "*" },
        }),
      ),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status !== 202).map((answer) => [answer.status, codeOf(answer)])).toEqual(
      Array(19).fill([401, "proof_replayed"]),
    );
    const { body } = await laptop.request<{ version: number }>("GET", "/configurations/site", { token });
    expect(body.data.version).toBe(2);
  });

  test("of a request that changed nothing is used up too: its replay cannot change something later", async () => {
    const { w, laptop, token } = await enrolled();
    const { slug } = await w.admit(SMALL_PACK);
    await laptop.request("POST", "/configurations", { token, body: save(slug, 80) });
    const put = (port: number) =>
      laptop.request("PUT", "/configurations/site", {
        token,
        body: { config_data: { web: { port } } },
        headers: { "if-match": "*" },
      });
    expect((await put(80)).status).toBe(200); // equal: no version is made
    const proof = laptop.lastProof;
    expect((await put(81)).status).toBe(202);
    const replay = await w.request("PUT", "/configurations/site", {
      body: { config_data: { web: { port: 80 } } },
      headers: { authorization: `DPoP ${token}`, dpop: proof, "if-match": "*" },
    });
    expect([replay.status, codeOf(replay)]).toEqual([401, "proof_replayed"]);
  });

  test("of a sign-in opens once", async () => {
    const { w, tailnet, laptop } = await enrolled();
    expect((await laptop.signIn(tailnet.claims())).status).toBe(200);
    const again = await w.request("POST", "/auth/cli", {
      body: { tailscale: tailnet.claims() },
      headers: { dpop: laptop.lastProof },
    });
    expect([again.status, codeOf(again)]).toEqual([401, "proof_replayed"]);
    const dpop = await laptop.prove({ method: "POST", path: "/auth/cli" });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        w.request("POST", "/auth/cli", { body: { tailscale: tailnet.claims() }, headers: { dpop } }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test("a poll writes nothing, and its answer renews the nonce in time", async () => {
    const { w, laptop, token } = await enrolled();
    const count = async () => (await env.DB.prepare("SELECT COUNT(*) AS n FROM used_proofs").first<{ n: number }>())?.n;
    await laptop.request("GET", "/auth/whoami", { token });
    const before = await count();
    let refused = 0;
    for (let minute = 0; minute < 20; minute++) {
      w.clock.advance(100);
      const dpop = await laptop.prove({ method: "GET", path: "/config/latest", token });
      const answer = await w.request("GET", "/config/latest", { headers: { authorization: `DPoP ${token}`, dpop } });
      laptop.nonce = answer.headers.get("dpop-nonce") ?? laptop.nonce;
      if (answer.status === 401) refused++;
    }
    expect(refused).toBe(0);
    expect(await count()).toBe(before);
  });
});

describe("tokens", () => {
  const mint = (w: World, claims: Parameters<typeof mintToken>[1]) =>
    mintToken(
      { keys: w.deps.settings.TOKEN_SIGNING_KEYS, issuer: w.deps.settings.TOKEN_ISSUER, now: w.clock.now() },
      claims,
    );

  test("of a narrower scope are bound to the same key, end with the caller's, and make no wider one", async () => {
    const { w, laptop, token } = await enrolled();
    const ask = (from: string, body: object) =>
      laptop.request<{ token: string; expires_at: string }>("POST", "/auth/tokens", { token: from, body });
    w.clock.advance(3600);
    const legerd = await ask(token, { scope: "legerd" });
    expect(legerd).toMatchObject({ status: 201, body: { data: { scope: "legerd", token_type: "DPoP" } } });
    const own = await laptop.request<{ expires_at: string }>("GET", "/auth/whoami", { token });
    expect(legerd.body.data.expires_at).toBe(own.body.data.expires_at);
    const daemon = legerd.body.data.token;
    expect((await laptop.request("GET", "/config/latest", { token: daemon })).status).toBe(404);
    expect(codeOf(await laptop.request("GET", "/auth/sessions", { token: daemon }))).toBe("insufficient_permissions");
    expect(codeOf(await ask(daemon, { scope: "legerd" }))).toBe("insufficient_permissions");
    const user = (await ask(token, { scope: "user" })).body.data.token;
    for (const scope of ["cli", "legerd"]) expect(codeOf(await ask(user, { scope }))).toBe("token_too_wide");
    expect((await ask(user, { scope: "web" })).status).toBe(201);
    expect(codeOf(await ask(token, { scope: "legerd", device_id: "other" }))).toBe("token_other_device");
    expect((await ask(token, { scope: "operator" })).status).toBe(400);
    const bare = await w.request("GET", "/config/latest", { token: daemon });
    expect(codeOf(bare)).toBe("proof_missing");
  });

  test("end with their session on the next request, and the key needs a new approval", async () => {
    const { w, tailnet, laptop, token } = await enrolled();
    const server = await deviceClient(w);
    const approve = async () =>
      laptop.request("POST", "/auth/devices", {
        token,
        body: { code: shownCode(await server.signIn(tailnet.claims("server"))), decision: "approve" },
      });
    await approve();
    const other = (await server.signIn(tailnet.claims("server"))).body.data.token;
    const daemon = (
      await server.request<{ token: string }>("POST", "/auth/tokens", { token: other, body: { scope: "legerd" } })
    ).body.data.token;
    const sessions = await laptop.request<{ sessions: { id: string; is_current: boolean }[] }>(
      "GET",
      "/auth/sessions",
      { token },
    );
    expect(sessions.body.data.sessions).toMatchObject([{ is_current: true }, { is_current: false, is_enrolled: true }]);
    const id = sessions.body.data.sessions[1]!.id;
    expect((await laptop.request("DELETE", `/auth/sessions/${id}`, { token })).body.data).toEqual({ ended: [id] });
    expect((await laptop.request("DELETE", `/auth/sessions/${id}`, { token })).body.data).toEqual({ ended: [] });
    for (const dead of [other, daemon])
      expect(codeOf(await server.request("GET", "/auth/whoami", { token: dead }))).toBe("invalid_token");
    expect(codeOf(await server.signIn(tailnet.claims("server")))).toBe("approval_pending");

    await approve();
    const again = (await server.signIn(tailnet.claims("server"))).body.data.token;
    expect((await server.request("DELETE", "/auth/sessions", { token: again })).body.data).toMatchObject({
      ended: [expect.any(String)],
    });
    expect(codeOf(await laptop.request("GET", "/auth/whoami", { token }))).toBe("invalid_token");
    expect((await server.request("GET", "/auth/whoami", { token: again })).status).toBe(200);
  });

  test("of somebody else's session: not found, and untouched", async () => {
    const { laptop, token } = await enrolled();
    const w = world();
    const stranger = await w.tenant(undefined, "stranger-device");
    expect(codeOf(await laptop.request("DELETE", "/auth/sessions/stranger-device", { token }))).toBe(
      "session_not_found",
    );
    expect((await w.request("GET", "/auth/whoami", { token: stranger.token })).status).toBe(200);
  });

  test("bound to a key that the device does not have are refused, and so are unbound ones of a device that has one", async () => {
    const { w, tailnet, laptop, token } = await enrolled();
    const { user_uuid, device_id } = (
      await laptop.request<{ user_uuid: string; device_id: string }>("GET", "/auth/whoami", { token })
    ).body.data;
    const thief = await deviceClient(w);
    const { te } = JSON.parse(atob(token.slice(4).split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/"))) as {
      te: number;
    };
    const of = { sub: user_uuid, dev: device_id, te, ue: 0, scope: "cli" as const, jti: crypto.randomUUID() };
    const foreign = await mint(w, { ...of, cnf: { jkt: thief.thumbprint } });
    expect(codeOf(await thief.request("GET", "/auth/whoami", { token: foreign }))).toBe("invalid_token");
    expect(codeOf(await w.request("GET", "/auth/whoami", { token: await mint(w, of) }))).toBe("invalid_token");
    expect(codeOf(await thief.request("GET", "/auth/whoami", { token: await mint(w, of) }))).toBe("invalid_token");
    expect(tailnet.name).toContain(w.name);
  });

  test("signed with a key that was rotated out are refused; both keys of a rotation verify, the first signs", async () => {
    const w = world();
    const { token } = await w.tenant();
    const pair = async (kid: string) => {
      const keys = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
      const { x, d } = (await crypto.subtle.exportKey("jwk", keys.privateKey)) as { x: string; d: string };
      return { kid, kty: "OKP" as const, crv: "Ed25519" as const, x, d };
    };
    const [old] = w.deps.settings.TOKEN_SIGNING_KEYS;
    const fresh = await pair("fresh");
    const use = (keys: (typeof fresh)[]) => void (w.deps.settings = { ...w.deps.settings, TOKEN_SIGNING_KEYS: keys });
    use([fresh, old!]);
    expect((await w.request("GET", "/auth/whoami", { token })).status).toBe(200);
    const jwks = (await w.request<never>("GET", "/.well-known/jwks.json")).body as unknown as {
      keys: Record<string, string>[];
    };
    expect(jwks.keys.map(({ kid }) => kid)).toEqual(["fresh", old!.kid]);
    expect(jwks.keys.every((key) => !("d" in key))).toBe(true);
    const minted = await w.request<{ token: string }>("POST", "/auth/tokens", { token, body: { scope: "user" } });
    expect(atob(minted.body.data.token.slice(4).split(".")[0]!)).toContain('"kid":"fresh"');
    use([fresh]);
    expect(codeOf(await w.request("GET", "/auth/whoami", { token }))).toBe("invalid_token");
    expect((await w.request("GET", "/auth/whoami", { token: minted.body.data.token })).status).toBe(200);
  });
});
