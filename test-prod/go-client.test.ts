import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { localClaims } from "../tools/kill/local-claims.ts";
import { type BuiltWorker, startBuiltWorker } from "./built-worker.ts";

/**
 * What the existing Go client sends, in the order of a session, and every field that it reads, with its type: Go refuses to
 * decode a number into a string. Its instants are RFC 3339.
 */
const instant = z.iso.datetime();
const envelope = <T extends z.ZodType>(data: T) => z.object({ success: z.literal(true), data });
const failure = z.object({
  success: z.literal(false),
  error: z.object({ code: z.string(), message: z.string(), action: z.string(), docs: z.string() }),
});

const SignedIn = envelope(
  z.object({
    token: z.string().min(1),
    token_type: z.literal("Bearer"),
    expires_in: z.int().positive(),
    user_uuid: z.uuid(),
    user: z.object({ tailscale_email: z.string(), display_name: z.string() }),
  }),
);
const Stored = envelope(
  z.object({ name: z.string(), version: z.int().positive(), updated_at: instant, message: z.string().min(1) }),
);
const Value = envelope(z.object({ name: z.string(), value: z.string(), version: z.int().positive() }));
const Listed = envelope(
  z.object({
    secrets: z.array(z.object({ name: z.string(), created_at: instant, updated_at: instant, version: z.int() })),
    total_count: z.int(),
  }),
);
const Deleted = envelope(z.object({ name: z.string(), deleted_at: instant }));

describe("a session of the existing Go client", () => {
  let built: BuiltWorker;
  let token = "";
  beforeAll(async () => {
    built = await startBuiltWorker();
  });
  afterAll(() => built?.close());

  const secret = (value: string) => ({ name: "openai_api_key", value });

  test("GET /health", async () => {
    expect((await built.request("GET", "/health")).status).toBe(200);
  });

  test("POST /auth/cli", async () => {
    const tailscale = localClaims(built.upstreams, { tailnet: "example.ts.net", hostname: "alice-laptop" });
    const answer = await built.request("POST", "/auth/cli", { body: { tailscale, cli_version: "0.1.0" } });
    expect(answer.status).toBe(200);
    token = SignedIn.parse(answer.json()).data.token;
  });

  test("GET /secrets/list of nothing", async () => {
    const { data } = Listed.parse((await built.request("GET", "/secrets/list", { token })).json());
    expect(data).toEqual({ secrets: [], total_count: 0 });
  });

  test("POST /secrets/set: 201, then 200", async () => {
    const created = await built.request("POST", "/secrets/set", { token, body: secret("sk-one") });
    expect(created.status).toBe(201);
    expect(Stored.parse(created.json()).data).toMatchObject({ name: "openai_api_key", version: 1 });
    const updated = await built.request("POST", "/secrets/set", { token, body: secret("sk-two\n") });
    expect(updated.status).toBe(200);
    expect(Stored.parse(updated.json()).data.version).toBe(2);
  });

  test("GET /secrets/list and GET /secrets/get/:name", async () => {
    const { data } = Listed.parse((await built.request("GET", "/secrets/list", { token })).json());
    expect(data.total_count).toBe(1);
    expect(data.secrets).toMatchObject([{ name: "openai_api_key", version: 2 }]);
    const got = await built.request("GET", "/secrets/get/openai_api_key", { token });
    expect(got.status).toBe(200);
    expect(got.headers.get("cache-control")).toBe("no-store");
    expect(Value.parse(got.json()).data).toEqual({ name: "openai_api_key", value: "sk-two\n", version: 2 });
  });

  test("DELETE /secrets/:name, and what comes after it", async () => {
    const deleted = await built.request("DELETE", "/secrets/openai_api_key", { token });
    expect(deleted.status).toBe(200);
    expect(Deleted.parse(deleted.json()).data.name).toBe("openai_api_key");
    for (const [method, route] of [
      ["GET", "/secrets/get/openai_api_key"],
      ["DELETE", "/secrets/openai_api_key"],
    ] as const) {
      const gone = await built.request(method, route, { token });
      expect(gone.status).toBe(404);
      expect(failure.parse(gone.json()).error.code).toBe("secret_not_found");
    }
  });

  test("the refusals whose codes it knows", async () => {
    const refused = async (name: string, value: string) =>
      failure.parse((await built.request("POST", "/secrets/set", { token, body: { name, value } })).json()).error.code;
    expect(await refused("my secret", "v")).toBe("invalid_secret_name");
    expect(await refused("a", "x".repeat(10_241))).toBe("secret_value_too_large");
    const stranger = await built.request("GET", "/secrets/list", { token: "leg_nothing" });
    expect([stranger.status, failure.parse(stranger.json()).error.code]).toEqual([401, "invalid_token"]);
  });
});
