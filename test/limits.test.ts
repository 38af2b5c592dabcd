import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { lineOrigins } from "#actions/compare-renders.ts";
import { LIMITS, type LimitName } from "#core/limits.ts";
import { packFromTree } from "#core/pack-tree.ts";
import { parseBody } from "#core/request-body.ts";
import { diffTexts, newDiffBudget } from "#core/text-diff.ts";
import { compilePack } from "#render/compile-pack.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import { candidateStore } from "#store/candidate-store.ts";
import { renderPack } from "#render/render-pack.ts";
import { deviceClient } from "./device-client.ts";
import { SMALL_PACK } from "./fixture-packs.ts";
import { tailnetOfOne } from "./tailnet-of.ts";
import { type Part, formBytes, upload } from "./upload-form.ts";
import { world } from "./world.ts";

/** Codes of what a value of size n gets: empty when it passes. */
type Probe = (n: number) => Promise<string[]> | string[];

const identity = { pack: "p", version: "v1.0.0" };
const bytes = (text: string) => new TextEncoder().encode(text);
const SCHEMA = '{"type":"object","properties":{}}';

function packOf(files: Record<string, string | Uint8Array>): string[] {
  const tree = new Map(
    Object.entries({ "schema.json": SCHEMA, ...files }).map(([path, content]) => [
      path,
      typeof content === "string" ? bytes(content) : content,
    ]),
  );
  const pack = packFromTree(tree, identity);
  return pack.ok ? [] : pack.error.map(({ code }) => code);
}

/** Renders templates given as output name -> source, with `config.list` as long as asked. */
function render(templates: Record<string, string>, replaced: Record<string, string> = {}): string[] {
  const tree = new Map(Object.entries(templates).map(([name, source]) => [`templates/${name}.j2`, bytes(source)]));
  tree.set("schema.json", bytes(SCHEMA));
  const pack = packFromTree(tree, identity);
  if (!pack.ok) return pack.error.map(({ code }) => code);
  const compiled = compilePack({ ...pack.value, files: { ...pack.value.files, ...replaced } });
  if (!compiled.ok) return compiled.error.map(({ code }) => code);
  const rendered = renderPack(compiled.value, {
    decisions: {},
    deploymentName: "d",
    marks: { sensitive: [], secretRefs: [] },
  });
  return rendered.ok ? [] : rendered.error.map(({ code }) => code);
}

/** One request against the API; its refusal's code, and those of its details. */
async function api(
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<string[]> {
  const w = world();
  const { token } = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const body = typeof options.body === "function" ? (options.body as (slug: string) => unknown)(slug) : options.body;
  const answer = await w.request(method, path, {
    token,
    ...(body !== undefined && { body }),
    ...(options.headers && { headers: options.headers }),
  });
  return answer.status < 300 ? [] : [answer.body.error.code];
}

/** One upload; its refusal's code. */
async function uploaded(parts: Part[]): Promise<string[]> {
  const w = world();
  const { token } = await w.tenant();
  const answer = await upload(w, formBytes(parts), { token });
  return answer.status < 300 ? [] : [answer.body.error.code];
}

const padded = (n: number) => "x".repeat(n);
/** config_data whose canonical JSON has n characters: long greetings are allowed up to 2,000, so an image takes the rest. */
const configOf = (n: number) => ({ web: { image: padded(n - '{"web":{"image":"","port":80}}'.length), port: 80 } });

const PROBES: Record<LimitName, Probe> = {
  engine_steps_max: () =>
    render({
      "a.txt": "{% for i in range(90000) %}{% for j in range(90000) %}{% set x = j %}{% endfor %}{% endfor %}",
    }),
  engine_depth_max: (n) =>
    render({ "a.txt": `{% macro f(n) %}{% if n > 1 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(${n}) }}` }),
  engine_range_items_max: (n) => render({ "a.txt": `{{ range(${n}) | length }}` }),
  engine_string_chars_max: (n) =>
    render({ "a.txt": `{% set s = "x" | center(${Math.ceil(n / 4)}) %}{% set t = s + s + s + s %}` }),
  // beyond what a pack may hold in one file, so the source is put in after reading the pack
  engine_source_chars_max: (n) => render({ "a.txt": "x" }, { "templates/a.txt.j2": padded(n) }),
  output_file_chars_max: (n) =>
    render({
      "a.txt": `{% set s = "x" | center(1024) %}{% for i in range(${Math.floor(n / 1024)}) %}{{ s }}{% endfor %}${padded(n % 1024)}`,
    }),
  output_total_chars_max: (n) =>
    render(
      Object.fromEntries(
        Array.from({ length: 8 }, (_, file) => [
          `f${file}.txt`,
          `{% set s = "x" | center(1024) %}{% for i in range(512) %}{{ s }}{% endfor %}${file === 0 ? padded(n % 1024) : ""}`,
        ]),
      ),
    ),
  output_files_max: (n) => render(Object.fromEntries(Array.from({ length: n }, (_, file) => [`f${file}.txt`, "x"]))),
  pack_bytes_max: (n) =>
    packOf(
      Object.fromEntries(
        Array.from({ length: 40 }, (_, file) => [
          `docs/${file}`,
          new Uint8Array(Math.floor((n - SCHEMA.length) / 40) + (file === 0 ? (n - SCHEMA.length) % 40 : 0)).fill(120),
        ]),
      ),
    ),
  pack_files_max: (n) => packOf(Object.fromEntries(Array.from({ length: n - 1 }, (_, file) => [`docs/${file}`, "x"]))),
  pack_file_bytes_max: (n) => packOf({ "docs/a": padded(n) }),
  pack_path_chars_max: (n) => packOf({ [padded(n)]: "x" }),
  pack_json_depth_max: (n) => packOf({ "data/a.json": `${"[".repeat(n)}${"]".repeat(n)}` }),
  url_chars_max: (n) => api("GET", `/configurations?${padded(n - "/configurations?".length)}`),
  // the token is a header too
  headers_max: (n) =>
    api("GET", "/configurations", {
      headers: Object.fromEntries(Array.from({ length: n - 1 }, (_, index) => [`x-${index}`, "x"])),
    }),
  header_bytes_max: async (n) => {
    const w = world();
    const { token } = await w.tenant();
    const own = "authorization".length + `Bearer ${token}`.length + "x-padding".length;
    const answer = await w.request("GET", "/configurations", { token, headers: { "x-padding": padded(n - own) } });
    return answer.status < 300 ? [] : [answer.body.error.code];
  },
  body_bytes_max: (n) =>
    api("POST", "/configurations", {
      body: `{"config_data":{},"x":"${padded(n - '{"config_data":{},"x":""}'.length)}"}`,
    }),
  body_depth_max: (n) => refusalOf(parseBody("[".repeat(n) + "]".repeat(n))),
  body_keys_max: (n) => refusalOf(parseBody(JSON.stringify(Array.from({ length: n }, () => 1)))),
  config_data_chars_max: (n) =>
    api("POST", "/configurations", {
      body: (slug: string) => ({ deployment_name: "site", pack: slug, config_data: configOf(n) }),
    }),
  idempotency_key_chars_max: (n) =>
    api("POST", "/configurations", {
      headers: { "idempotency-key": padded(n) },
      body: (slug: string) => ({ deployment_name: "site", pack: slug, config_data: { web: { port: 80 } } }),
    }),
  report_items_max: (n) =>
    api("POST", "/deployments/report", {
      body: {
        boot_id: "6f1c2a52-7f0e-4a6e-9b1b-0d7a5f1f2c11",
        sequence: 1,
        version: 1,
        manifest_sha256: "0".repeat(64),
        state: "fetched",
        steps: Array.from({ length: n }, (_, index) => ({ name: `s${index}`, state: "ok" })),
      },
    }),
  device_labels_max: (n) =>
    api("PUT", "/devices/d1", {
      body: { labels: Object.fromEntries(Array.from({ length: n }, (_, index) => [`l${index}`, "x"])) },
    }),
  upload_file_bytes_max: (n) => uploaded([{ name: "a.txt", content: padded(n) }]),
  upload_bytes_max: (n) =>
    uploaded(
      Array.from({ length: 11 }, (_, file) => ({
        name: `f${file}.txt`,
        content: padded(file === 10 ? n - 10 * 1_000_000 : 1_000_000),
      })),
    ),
  upload_files_max: (n) => uploaded(Array.from({ length: n }, (_, file) => ({ name: `f${file}.txt`, content: "x" }))),
  diff_edits_max: (n) => {
    const diff = diffTexts("a", { before: "x\n".repeat(n) + "end\n", after: "end\n" }, newDiffBudget());
    return diff?.is_minimal === true ? [] : ["diff_not_minimal"];
  },
  diff_origins_max: (n) => {
    const lines = Array.from({ length: n }, (_, index) => index + 1);
    const known = lines.map(() => ({ places: [], values: [], conditions: [] }));
    const left = { lines: LIMITS.diff_origins_max.value };
    return lineOrigins([{ side: "new", lines, origins: known }], left).origins_complete ? [] : ["diff_origins_cut"];
  },
  secret_value_bytes_max: (n) => api("POST", "/secrets/set", { body: { name: "a", value: padded(n) } }),
  secret_name_chars_max: (n) => api("POST", "/secrets/set", { body: { name: padded(n), value: "v" } }),
  secrets_max: async (n) => {
    const w = world();
    const { token, id } = await w.tenant();
    await env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
       INSERT INTO secrets (id, workspace_id, name, version, created_at, updated_at, change_id, copied_change_id)
       SELECT ?1 || i, ?1, 'n' || i, 1, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 'c', 'c' FROM n`,
    )
      .bind(id, n - 1)
      .run();
    const answer = await w.request("POST", "/secrets/set", { token, body: { name: "last", value: "v" } });
    return answer.status < 300 ? [] : [answer.body.error.code];
  },
  generators_max: async (n) => {
    const w = world();
    const { token } = await w.tenant();
    const make = (k: number) =>
      w.request("POST", "/generators", { token, body: { name: `g${k}`, scopes: ["config:read"] } });
    for (let k = 1; k < n; k++) await make(k);
    const last = await make(n);
    return last.status === 201 ? [] : [last.body.error.code];
  },
  page_items_max: (n) => api("GET", `/configurations?limit=${n}`),
  device_requests_max: waitingSignIns,
  device_proof_chars_max: proofOfLength,
  candidates_max: previewedPacks,
  id_token_chars_max: (n) => api("POST", "/auth/cli", { body: { tailscale: NOBODY, id_token: padded(n) } }),
};

/** Keeps n packs that are not released, and asks for the first of them. */
async function previewedPacks(n: number): Promise<string[]> {
  const w = world();
  const { token, login } = await w.tenant();
  w.deps.settings = { ...w.deps.settings, OPERATOR_LOGINS: [login] };
  const digest = (place: number) => `${n}0${place}`.padStart(64, "0");
  const now = toInstant(w.clock.now());
  for (let place = 1; place <= n; place++) {
    // a later probe's packs were sent later
    const expires_at = toInstant(secondsAfter(w.clock.now(), 1000 * n + place));
    const facts = { pack: w.name, schema_version: "v1.0.0", podman_min: "5.4", podman_max: null, report: "[]" };
    const of = { ...facts, digest: digest(place), matrix: null, compatibility: null, created_at: now, expires_at };
    await env.DB.batch([
      candidateStore.put.bind(env.DB, of),
      candidateStore.expireOldest.bind(env.DB, { keep: LIMITS.candidates_max.value, now }),
    ]);
  }
  const path = `/schemas/v1.0.0/impact?pack=${w.name}&candidate=${digest(1)}`;
  const answer = await w.request("GET", path, { token });
  return answer.status === 200 ? [] : [answer.body.error.code];
}

const NOBODY = { user_id: "x", login_name: "x", device_id: "x", device_hostname: "x", tailnet: "x" };

/** A good proof of exactly `n` characters: the query of `htu` does not count, and fills it up. */
async function proofOfLength(n: number): Promise<string[]> {
  const w = world();
  const device = await deviceClient(w);
  await device.warmUp();
  const htu = `${w.deps.settings.PUBLIC_URL}/auth/cli`;
  for (let query = 0; query < n; query++)
    for (const jti of ["12345678", "123456789", "1234567890"]) {
      const exactProof = await device.prove(
        { method: "POST", path: "/auth/cli" },
        { jti, htu: `${htu}?${padded(query + Math.max(0, Math.floor((n - 700) * 0.75)))}` },
      );
      if (exactProof.length !== n) continue;
      const answer = await device.request("POST", "/auth/cli", { exactProof, body: { tailscale: NOBODY } });
      return [answer.body.error.code];
    }
  throw new Error(`no proof has ${n} characters`);
}

/** With `n` sign-ins that wait, whether the first can still be approved. */
async function waitingSignIns(n: number): Promise<string[]> {
  const w = world();
  const person = await tailnetOfOne(w);
  const owner = await deviceClient(w);
  const { token } = (await owner.signIn(person.claims())).body.data;
  let code = "";
  for (let index = 0; index < n; index++) {
    w.clock.advance(1);
    const answer = await w.request("POST", "/auth/cli", {
      body: { tailscale: person.claims("server") },
      headers: { "cf-connecting-ip": `192.0.2.${index}` },
    });
    code ||= /code is (\S+)\./.exec(answer.body.error.message)?.[1] ?? "";
  }
  const answer = await owner.request("POST", "/auth/devices", { token, body: { code, decision: "approve" } });
  return answer.status === 200 ? [] : [answer.body.error.code];
}
const refusalOf = (result: ReturnType<typeof parseBody>) => (result.ok ? [] : [result.error.code]);

/** Rows whose probe cannot sit exactly on the bound: it is given once far below and once far beyond. */
const COARSE = new Set<LimitName>(["engine_steps_max", "engine_string_chars_max"]);

describe("every limit lets its value pass and refuses one beyond it, with its code", () => {
  test.each(Object.entries(LIMITS).filter(([name]) => !COARSE.has(name as LimitName)))(
    "%s",
    async (name, { value, code }) => {
      const probe = PROBES[name as LimitName];
      expect(await probe(value)).not.toContain(code);
      expect(await probe(value + 1)).toContain(code);
    },
  );

  test("engine_steps_max and engine_string_chars_max", async () => {
    expect(await PROBES.engine_steps_max(0)).toContain(LIMITS.engine_steps_max.code);
    const { value, code } = LIMITS.engine_string_chars_max;
    expect(await PROBES.engine_string_chars_max(value / 2)).not.toContain(code);
    expect(await PROBES.engine_string_chars_max(value * 1.1)).toContain(code);
  });
});
