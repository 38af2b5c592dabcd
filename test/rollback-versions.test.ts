import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { fixturePack } from "./fixture-packs.ts";
import { formBytes, upload } from "./upload-form.ts";
import { world } from "./world.ts";

type Json = Record<string, unknown>;
type Lost = { decision: string; title: string; reason: string; value?: unknown; masked: boolean };
type Preview = {
  schema_version: string;
  unchanged: boolean;
  effective: Json;
  files: { filename: string; sha256: string }[] | null;
  losses: { decisions: Lost[]; data_risks: { code: string }[]; secrets_missing: string[] };
};
type Saved = {
  version: { version: number; schema_version: string; changes_summary: string; config_data: Json };
  unchanged: boolean;
};

/** The three real releases under one slug, for all tests of this file. */
const REAL = `real-${crypto.randomUUID().slice(0, 8)}`;

beforeAll(async () => {
  const { admit } = world();
  for (const version of ["v1.0.0", "v1.1.0", "v2.0.0"]) {
    const { admission } = await admit(fixturePack(version), version, REAL);
    if (admission.status !== "ready") throw new Error(JSON.stringify(admission.report));
  }
});

async function home(pack = REAL) {
  const w = world();
  const { token, id } = await w.tenant();
  const send = <T = Json>(method: string, path: string, options: { body: Json; headers?: Record<string, string> }) =>
    w.request<T>(method, path, { token, ...options });
  const path = "/configurations/site/rollback";
  return {
    w,
    id,
    token,
    create: (schema_version: string, config_data: Json) =>
      send<Saved>("POST", "/configurations", {
        body: {
          deployment_name: "site",
          pack,
          schema_version,
          schema_range: "*",
          config_data,
          allow_deprecated: true,
        },
      }),
    save: async (schema_version: string, config_data: Json) => {
      const body = { schema_version, config_data };
      const saved = await send<Saved>("PUT", "/configurations/site", { body, headers: { "if-match": "*" } });
      expect(saved.status, JSON.stringify(saved.body.error)).toBe(202);
    },
    preview: (body: Json) => send<Preview>("POST", `${path}/preview`, { body }),
    back: (body: Json, headers: Record<string, string> = { "if-match": "*" }) =>
      send<Saved>("POST", path, { body, headers }),
    files: async (version: number) => {
      const read = await w.request<{ manifest: { files: { filename: string; sha256: string }[] } }>(
        "GET",
        `/config/${version}`,
        { token },
      );
      return digests(read.body.data.manifest.files);
    },
    stored: async () => {
      const of = ["configuration_versions", "render_jobs", "audit_log"].map((table) =>
        env.DB.prepare(`SELECT COUNT(*) AS n FROM ${table} WHERE workspace_id = ?`).bind(id),
      );
      return (await env.DB.batch<{ n: number }>(of)).map(({ results }) => results[0]?.n);
    },
  };
}

const digests = (files: { filename: string; sha256: string }[] | null) =>
  Object.fromEntries((files ?? []).map(({ filename, sha256 }) => [filename, sha256]));

const OLD = {
  ai_stack: { llm_provider: "ollama", text_splitter: "token", advanced: { rag_top_k: 7 } },
  services: { ollama_gpu: "amd", enable_caddy: true },
  networking: { network_name: "home", hostname: "old.example.com", base_domain: "ai.example.com" },
};
const OLD_UNDER_2 = {
  ai_stack: { advanced: { top_k: 7 }, llm_provider: "ollama", text_splitter: "tokens" },
  networking: { base_domain: "ai.example.com", network: { name: "home" } },
  services: { enable_caddy: true, enable_ollama_gpu: true, ollama_gpu_vendor: "amd" },
};

describe("going back while the schema version stays", () => {
  test("migrates the old decisions forward; what is lost is said first, and must be accepted", async () => {
    const h = await home();
    await h.create("v1.0.0", OLD);
    await h.save("v2.0.0", { services: { enable_litellm: true } });
    await h.w.deliver();
    const before = await h.stored();

    const preview = await h.preview({ to: 1, keep: "schema" });
    expect(preview.body.data).toMatchObject({ schema_version: "v2.0.0", unchanged: false });
    expect(preview.body.data.losses.decisions).toEqual([
      {
        decision: "/networking/hostname",
        title: "Former name",
        reason: "Caddy no longer redirects from the name that the domain had before 1.0.",
        value: "old.example.com",
        masked: false,
      },
    ]);
    expect(preview.body.data.losses.secrets_missing).toContain("webui_secret_key");
    const refused = await h.back({ to: 1, keep: "schema" });
    expect(refused).toMatchObject({ status: 409, body: { error: { code: "losses_not_accepted" } } });
    expect(refused.body.error.details).toContainEqual(
      expect.objectContaining({ code: "decision_lost", decision: "/networking/hostname" }),
    );
    expect(await h.stored()).toEqual(before);

    const headers = { "if-match": '"2"', "idempotency-key": "forward" };
    const go = () => h.back({ to: 1, keep: "schema", accept_losses: true }, headers);
    const done = await go();
    expect(done).toMatchObject({ status: 202, body: { data: { version: { version: 3, schema_version: "v2.0.0" } } } });
    expect(done.body.data.version.config_data).toEqual(OLD_UNDER_2);
    expect(done.body.data.version.changes_summary).toMatch(
      /^Rolled back to version 1, decisions migrated from v1\.0\.0 to v2\.0\.0: .*; lost: Former name$/,
    );
    expect((await go()).body.data.version.version).toBe(3);
    await h.w.deliver();
    expect(await h.files(3)).toEqual(digests(preview.body.data.files));
    // the same again would change nothing: no version, and nothing to accept
    expect((await h.preview({ to: 1, keep: "schema" })).body.data.unchanged).toBe(true);
    expect(await h.back({ to: 1, keep: "schema" })).toMatchObject({
      status: 200,
      body: { data: { unchanged: true, version: { version: 3 } } },
    });
  });

  test("goes over several releases, and without keep all is as it was then", async () => {
    const h = await home();
    await h.create("v1.1.0", { services: { enable_litellm: true, enable_litellm_redis: true } });
    await h.save("v2.0.0", { services: {} });
    const kept = await h.back({ to: 1, keep: "schema", accept_losses: true });
    expect(kept.body.data.version).toMatchObject({
      schema_version: "v2.0.0",
      config_data: { services: { enable_litellm: true, enable_litellm_valkey: true } },
    });
    const plain = await h.back({ to: 1 });
    expect(plain.body.data.version).toMatchObject({
      schema_version: "v1.1.0",
      config_data: { services: { enable_litellm: true, enable_litellm_redis: true } },
    });
  });
});

describe("going back to an older schema version while the decisions stay", () => {
  test("migrates them down: what that version does not know, and what no way back brings, is said first", async () => {
    const h = await home();
    await h.create("v1.0.0", OLD);
    const newer = structuredClone(OLD_UNDER_2) as Json & { services: Json; ai_stack: Json };
    Object.assign(newer.services, { enable_litellm: true, enable_litellm_valkey: true });
    newer.ai_stack["llm_provider"] = "openwebui";
    await h.save("v2.0.0", { ...newer, services: { ...newer.services } });
    await h.w.deliver();

    const preview = await h.preview({ to: 1, keep: "decisions" });
    expect(preview.body.data.schema_version).toBe("v1.0.0");
    expect(preview.body.data.losses.decisions.map(({ decision, title, value }) => [decision, title, value])).toEqual(
      expect.arrayContaining([
        ["/networking/hostname", "Former name", "old.example.com"],
        // 1.0 has no second cache; it is named as it is called now, not as 1.1 called it on the way
        ["/services/enable_litellm_valkey", "A cache for LiteLLM", true],
      ]),
    );
    expect((await h.back({ to: 1, keep: "decisions" })).body.error.code).toBe("losses_not_accepted");
    const done = await h.back({ to: 1, keep: "decisions", accept_losses: true });
    expect(done.body.data.version.schema_version).toBe("v1.0.0");
    const data = done.body.data.version.config_data as typeof OLD;
    expect(data.ai_stack).toEqual({ advanced: { rag_top_k: 7 }, llm_provider: "openwebui", text_splitter: "token" });
    expect(data.networking).toEqual({ base_domain: "ai.example.com", network_name: "home" });
    expect(done.body.data.version.changes_summary).toMatch(
      /^Back to the schema of version 1: Schema: v2\.0\.0 -> v1\.0\.0; lost: /,
    );
    await h.w.deliver();
    expect(await h.files(3)).toEqual(digests(preview.body.data.files));
    expect(await h.back({ to: 1, keep: "decisions" })).toMatchObject({
      status: 200,
      body: { data: { unchanged: true } },
    });
  });

  test("loses nothing where all of it has a counterpart, and comes back as it was", async () => {
    const h = await home();
    const decisions = { ai_stack: { llm_provider: "ollama" }, services: { ollama_gpu: "nvidia" } };
    await h.create("v1.1.0", decisions);
    await h.save("v2.0.0", {
      ai_stack: { llm_provider: "ollama" },
      services: { enable_ollama_gpu: true, ollama_gpu_vendor: "nvidia" },
    });
    await h.w.deliver();
    const preview = await h.preview({ to: 1, keep: "decisions" });
    expect(preview.body.data.losses).toMatchObject({ decisions: [], data_risks: [] });
    const done = await h.back({ to: 1, keep: "decisions" });
    expect(done).toMatchObject({ status: 202 });
    expect(done.body.data.version.config_data).toEqual(decisions);
  });
});

describe("what cannot be carried over is refused with all that is in the way", () => {
  const findings = (answer: { body: { error: { details?: Json[] } } }) =>
    (answer.body.error.details ?? []).map(({ code, decision }) => [code, decision]);

  test("a decision that cannot change", async () => {
    const h = await home(await smallPack());
    await h.create("v1.0.0", { port: 80 });
    await h.save("v2.0.0", { port: 80, owner: "ada", site: "north" });
    const asked = [
      { to: 1, keep: "schema", inputs: { owner: "ada" } },
      { to: 1, keep: "decisions", accept_losses: true }, // 1.0 does not know it, which is no way to another value
    ];
    for (const body of asked) {
      const answer = await h.back(body);
      expect(answer).toMatchObject({ status: 409, body: { error: { code: "rollback_not_possible" } } });
      expect(findings(answer)).toEqual([["decision_immutable", "/site"]]);
    }
  });

  test("a value that has no counterpart in the older version", async () => {
    const h = await home();
    await h.create("v1.1.0", {});
    await h.save("v2.0.0", { ai_stack: { llm_provider: "ollama" }, services: { enable_ollama_gpu: true } });
    for (const answer of [await h.preview({ to: 1, keep: "decisions" }), await h.back({ to: 1, keep: "decisions" })]) {
      expect(answer).toMatchObject({ status: 409, body: { error: { code: "rollback_not_possible" } } });
      expect(findings(answer)).toEqual([["migration_no_case", "/services/ollama_gpu"]]);
    }
  });

  test("a value that somebody must say, until it is said", async () => {
    const h = await home(await smallPack());
    await h.create("v1.0.0", { port: 80 });
    await h.save("v2.0.0", { port: 81, owner: "ada" });
    const missing = await h.back({ to: 1, keep: "schema" });
    expect(missing).toMatchObject({ status: 409, body: { error: { code: "rollback_not_possible" } } });
    expect(findings(missing)).toEqual([["migration_input_missing", "/owner"]]);
    const said = await h.back({ to: 1, keep: "schema", inputs: { owner: "bob" } });
    expect(said.body.data.version).toMatchObject({ schema_version: "v2.0.0", config_data: { port: 80, owner: "bob" } });
  });

  test("an unknown kind of keeping, a hurry, and a version of nobody's", async () => {
    const h = await home(await smallPack());
    await h.create("v1.0.0", { port: 80 });
    expect((await h.back({ to: 1, keep: "everything" })).body.error.code).toBe("request_invalid");
    expect((await h.back({ to: 9, keep: "schema" })).body.error.code).toBe("version_not_found");
    expect((await h.back({ to: 1, keep: "schema" }, {})).body.error.code).toBe("precondition_required");
  });
});

test("uploaded files have no decisions to keep or to carry", async () => {
  const h = await home(await smallPack());
  await h.create("v1.0.0", { port: 80 });
  const unit = { name: "site.container", content: "[Container]\nImage=docker.io/library/app:1.2\n" };
  const sent = await upload(h.w, formBytes([unit]), { token: h.token, headers: { "if-match": "*" } });
  expect(sent.status, JSON.stringify(sent.body)).toBeLessThan(300);
  for (const keep of ["schema", "decisions"])
    expect(await h.back({ to: 1, keep })).toMatchObject({
      status: 409,
      body: { error: { code: "rollback_not_possible", details: [{ code: "upload_not_migrated" }] } },
    });
  expect((await h.back({ to: 1 })).status).toBe(202);
});

describe("what is lost", () => {
  test("is never a sensitive value in words, and a risk to data needs a word too", async () => {
    const h = await home(await smallPack());
    await h.create("v1.0.0", { port: 80, pin: PIN, volume: "first" });
    await h.save("v2.0.0", { port: 80, owner: "ada", volume: "second" });
    await h.w.deliver();
    const asked = { to: 1, keep: "schema", inputs: { owner: "ada" } };
    const preview = await h.preview(asked);
    expect(preview.body.data.losses).toMatchObject({
      decisions: [{ decision: "/pin", title: "Admin PIN", reason: "Signing in is by name.", masked: true }],
      data_risks: [{ code: "volume_renamed" }],
    });
    const refused = await h.back(asked);
    expect(refused.body.error.details?.map(({ code }) => code)).toEqual(["data_risk", "decision_lost"]);
    const done = await h.back({ ...asked, accept_losses: true });
    expect(done.body.data.version.changes_summary).toMatch(/; lost: Admin PIN$/);
    expect(JSON.stringify([preview.body, refused.body, done.body])).not.toContain(PIN);
  });

  test("is judged of what is committed: a save in between that risks more is not covered by an older look", async () => {
    const h = await home(await smallPack());
    await h.create("v1.0.0", { port: 80, volume: "data" });
    await h.save("v2.0.0", { port: 81, owner: "ada", volume: "data" });
    await h.w.deliver();
    const asked = { to: 1, keep: "schema", inputs: { owner: "ada" } };
    expect((await h.preview(asked)).body.data.losses).toMatchObject({ decisions: [], data_risks: [] });
    await h.save("v2.0.0", { port: 81, owner: "ada", volume: "other" });
    await h.w.deliver();
    expect((await h.back(asked)).body.error.code).toBe("losses_not_accepted");
    expect((await h.back({ ...asked, accept_losses: true }, { "if-match": '"2"' })).body.error.code).toBe(
      "version_conflict",
    );
  });
});

const PIN = "canary-2219-pin";

/** Two releases of a small pack: the second one asks for an owner, and has no PIN any more. */
async function smallPack(): Promise<string> {
  const slug = `small-${crypto.randomUUID().slice(0, 8)}`;
  const { admit } = world();
  const port = { type: "integer", title: "Port", default: 8080 };
  const volume = { type: "string", title: "Volume", default: "data", pattern: "^[a-z]+$" };
  const pin = { type: "string", title: "Admin PIN", "x-sensitive": true, default: "" };
  const site = { type: "string", title: "Site", "x-confman-immutable": true };
  const owner = { type: "string", title: "Owner" };
  const tree = (schema: Json, files: Record<string, string>) =>
    new Map(
      Object.entries({
        "schema.json": JSON.stringify({ type: "object", additionalProperties: false, ...schema }),
        "templates/data.volume.j2": "[Volume]\nVolumeName={{ volume }}\n",
        ...files,
      }).map(([path, text]) => [path, new TextEncoder().encode(text)]),
    );
  const container = (more: string) =>
    `[Container]\nImage=docker.io/library/app:1.2\nPublishPort={{ port }}:80\nVolume=data.volume:/data\n${more}`;
  const outputs = [
    { template: "templates/app.container.j2", output: "app.container" },
    { template: "templates/data.volume.j2", output: "data.volume" },
    { template: "templates/app.env.j2", output: "app.env", sensitive: true },
  ];
  await admit(
    tree(
      { properties: { port, volume, pin } },
      {
        "leger-pack.json": JSON.stringify({ name: "Small", outputs }),
        "templates/app.container.j2": container("EnvironmentFile=./app.env\n"),
        "templates/app.env.j2": "PIN={{ pin }}\n",
      },
    ),
    "v1.0.0",
    slug,
  );
  const migration = {
    from: ">=1.0.0 <2.0.0",
    to: ">=2.0.0 <3.0.0",
    operations: [
      { op: "require", path: "owner", message: "Whose is it?" },
      { op: "drop", path: "pin", reason: "Signing in is by name.", lossy: true },
    ],
  };
  const { admission } = await admit(
    tree(
      { required: ["owner"], properties: { port, volume, owner, site } },
      {
        "leger-pack.json": JSON.stringify({ name: "Small", outputs: outputs.slice(0, 2) }),
        "templates/app.container.j2": container(
          "Environment=OWNER={{ owner }}\\n{% if site %}Environment=SITE={{ site }}{% endif %}\n",
        ),
        "migrations/1-to-2.json": JSON.stringify(migration),
      },
    ),
    "v2.0.0",
    slug,
  );
  expect(admission.report).toEqual([]);
  return slug;
}
