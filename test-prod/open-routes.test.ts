import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Answer, type BuiltWorker, startBuiltWorker } from "./built-worker.ts";

const Operation = z.object({
  operationId: z.string(),
  security: z.array(z.unknown()).optional(),
  requestBody: z.unknown().optional(),
});
const Document = z.object({ openapi: z.string(), paths: z.record(z.string(), z.record(z.string(), Operation)) });
type Route = { method: string; path: string; isOpen: boolean; takesBody: boolean };

/** What DESIGN 6 says about every error, besides its status and code. */
const ANY_ERROR = {
  code: expect.stringMatching(/^[a-z][a-z_]+$/) as unknown,
  message: expect.stringMatching(/./) as unknown,
  action: expect.stringMatching(/./) as unknown,
  docs: expect.stringContaining("/errors#") as unknown,
};
const ENVELOPE = {
  type: expect.stringMatching(/^application\/json/) as unknown,
  id: expect.stringMatching(/./) as unknown,
  body: { success: false, error: ANY_ERROR },
};
const refusal = (status: number, code: string) => ({
  ...ENVELOPE,
  status,
  body: { success: false, error: { ...ANY_ERROR, code } },
});

/** The parts of an answer that the envelope is made of, so that a failed test prints all of them. */
const partsOf = ({ status, headers, text }: Answer) => ({
  status,
  type: headers.get("content-type"),
  id: headers.get("x-request-id"),
  body: safeJson(text),
});

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

describe("the built worker", () => {
  let built: BuiltWorker;
  let token: string;
  let routes: Route[];

  beforeAll(async () => {
    built = await startBuiltWorker();
    ({ token } = await built.signIn());
    const { paths } = Document.parse(JSON.parse((await built.request("GET", "/openapi.json")).text));
    routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path: path
          .replace("{version}", path.startsWith("/schemas") ? "v9.9.9" : "999")
          .replaceAll(/\{\w+\}/g, "nothing"),
        isOpen: operation.security?.length === 0,
        takesBody: operation.requestBody !== undefined,
      })),
    );
  });
  afterAll(() => built?.close());

  test("runs where code cannot be made from strings", async () => {
    expect(await built.probeEval()).toEqual({ function: "EvalError", eval: "EvalError" });
  });

  test("answers /health without touching anything, and /ready with what the database says", async () => {
    expect((await built.request("GET", "/health")).json()).toEqual({ success: true, data: { status: "ok" } });
    expect((await built.request("GET", "/ready")).json()).toEqual({
      success: true,
      data: { status: "ready", oldest_pending_seconds: null, schemas_ready: 0 },
    });
  });

  test("publishes its public keys, and never a private one", async () => {
    const { keys } = JSON.parse((await built.request("GET", "/.well-known/jwks.json")).text) as { keys: object[] };
    expect(keys).toHaveLength(1);
    expect(keys[0]).toMatchObject({ kty: "OKP", crv: "Ed25519", kid: expect.any(String), x: expect.any(String) });
    expect(Object.keys(keys[0] ?? {})).not.toContain("d");
  });

  test("describes itself in /openapi.json", () => {
    expect(routes.length).toBeGreaterThan(15);
    expect(routes.filter(({ isOpen }) => isOpen).map(({ path }) => path)).toContain("/health");
  });

  test("shows /docs, and the page finds every asset that it names on this very origin", async () => {
    const page = await built.request("GET", "/docs");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address ?? "");
    expect(assets.length).toBeGreaterThanOrEqual(3);
    for (const address of assets) {
      expect(address).toMatch(/^\/docs\//);
      const asset = await built.request("GET", address);
      expect([address, asset.status, asset.bytes.byteLength > 0]).toEqual([address, 200, true]);
      expect([address, asset.headers.get("content-type")]).toEqual([
        address,
        expect.stringMatching(assetType(address)),
      ]);
    }
  });

  test("refuses every operation without a token in the envelope", async () => {
    for (const { method, path, isOpen, takesBody } of routes) {
      if (isOpen) continue;
      const answer = await built.request(method, path, takesBody ? { body: {} } : {});
      expect(partsOf(answer), `${method} ${path}`).toMatchObject(refusal(401, "token_missing"));
    }
  });

  test("answers every operation on what does not exist in the envelope, and none with a 5xx", async () => {
    const refused = [];
    for (const { method, path, takesBody } of routes) {
      const answer = await built.request(method, path, { token, ...(takesBody && { body: {} }) });
      expect(answer.status, `${method} ${path}`).toBeLessThan(500);
      if (answer.status >= 400) refused.push({ operation: `${method} ${path}`, ...partsOf(answer) });
    }
    expect(refused.length).toBeGreaterThan(10);
    for (const parts of refused) expect(parts).toMatchObject(ENVELOPE);
  });

  test.each<[what: string, request: string, of: { is: string; body?: string; type?: string }]>([
    ["an unknown route", "GET /nothing", { is: "404 route_not_found" }],
    ["a known route by another method", "PATCH /health", { is: "404 route_not_found" }],
    ["an unknown page of the docs", "GET /docs/nothing.js", { is: "404 route_not_found" }],
    ["an address in the docs that is none", "GET /docs//", { is: "404 route_not_found" }],
    ["a POST without a body", "POST /configurations", { is: "400 request_invalid" }],
    ["a body that is not JSON", "POST /configurations", { is: "400 body_not_json", body: "{" }],
    ["2 MB of JSON", "POST /configurations", { is: "413 body_too_large", body: JSON.stringify("x".repeat(2_000_000)) }],
    ["depth 100", "POST /configurations", { is: "400 body_too_complex", body: "[".repeat(100) + "]".repeat(100) }],
    [
      "another media type",
      "POST /configurations",
      { is: "415 media_type_unsupported", body: "<a/>", type: "text/xml" },
    ],
    ["a file of a version that is not there", "GET /config/7/files/a", { is: "404 version_not_found" }],
    ["a version that is no number", "GET /config/one", { is: "400 request_invalid" }],
  ])("refuses %s in the envelope", async (_what, request, { is, body, type }) => {
    const [method = "", path = ""] = request.split(" ");
    const [status = "", code = ""] = is.split(" ");
    const answer = await built.request(method, path, {
      token,
      ...(body !== undefined && { body }),
      ...(type !== undefined && { headers: { "content-type": type } }),
    });
    expect(partsOf(answer)).toMatchObject(refusal(Number(status), code));
  });

  test("refuses a token that was tampered with, in the envelope and with a challenge", async () => {
    const answer = await built.request("GET", "/configurations", { token: `${token.slice(0, -6)}AAAAAA` });
    expect(partsOf(answer)).toMatchObject(refusal(401, "invalid_token"));
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
  });
});

function assetType(address: string): RegExp {
  if (address.endsWith(".css")) return /^text\/css/;
  if (address.endsWith(".png")) return /^image\/png/;
  return /^(?:text|application)\/javascript/;
}
