import { gzipSync } from "fflate";
import { packTar } from "modern-tar";
import { beforeAll, describe, expect, test } from "vitest";
import type { Finding } from "#core/finding.ts";
import type { JsonObject } from "#core/json.ts";
import { type Admission, admitPack, examined, quarantined } from "#registry/admit-pack.ts";
import { unpackArchive } from "#registry/unpack.ts";

type Files = Record<string, string | null>;

const SCHEMA = {
  type: "object",
  additionalProperties: false,
  properties: {
    web: {
      type: "object",
      properties: {
        port: { type: "integer", minimum: 1, maximum: 65535, default: 8080 },
        tls: { type: "boolean", default: false },
        domain: { type: "string", pattern: "^[a-z.]+$", default: "example.com", "x-depends-on": { "web.tls": true } },
        cache: { enum: ["none", "memory", "disk"], default: "none" },
        cache_size: { type: "string", pattern: "^[0-9]+[mg]$", "x-depends-on": { "web.cache": ["memory", "disk"] } },
      },
    },
    log: { enum: ["quiet", "normal", "loud"], default: "normal" },
  },
} satisfies JsonObject;

const GOOD: Files = {
  "schema.json": JSON.stringify(SCHEMA, null, 2),
  "leger-pack.json": JSON.stringify({ engine: { trim_blocks: true, lstrip_blocks: true } }),
  "templates/web.container.j2": [
    "[Container]",
    "Image=docker.io/library/caddy:2.10.0",
    "PublishPort={{ web.port }}:80",
    "{% if web.tls %}",
    "Environment=DOMAIN={{ web.domain }}",
    "{% endif %}",
    "{% if web.cache != 'none' %}",
    "Environment=CACHE={{ web.cache }}",
    "{% if web.cache_size is defined %}",
    "Environment=CACHE_SIZE={{ web.cache_size }}",
    "{% endif %}",
    "{% endif %}",
    "Environment=LOG={{ log }}",
    "",
  ].join("\n"),
};

const archive = async (files: Files, raw: { name: string; text: string }[] = []): Promise<Uint8Array> => {
  const entries = [...Object.entries(files).flatMap(([name, text]) => (text === null ? [] : [{ name, text }])), ...raw];
  return gzipSync(
    await packTar(
      entries.map(({ name, text }) => {
        const body = new TextEncoder().encode(text);
        return { header: { name, size: body.byteLength, type: "file" as const }, body };
      }),
    ),
    { mtime: 0 },
  );
};

async function admit(bytes: Uint8Array, version: string, previous: Admission | null): Promise<Admission> {
  const files = await unpackArchive(bytes);
  if (!files.ok) return quarantined(files.error);
  const admission = await admitPack(files.value, { pack: "p", version, notes: "" });
  return examined(admission, {
    version,
    previous: previous?.ready ? { version: "v1.0.0", pack: previous.ready } : null,
  });
}

const withSchema = (change: (schema: typeof SCHEMA & JsonObject) => void): string => {
  const schema = structuredClone(SCHEMA);
  change(schema);
  return JSON.stringify(schema, null, 2);
};
const container = GOOD["templates/web.container.j2"]!;
const lineWith = (text: string, part: string) => text.split("\n").findIndex((line) => line.includes(part)) + 1;

let base: Admission;
beforeAll(async () => {
  base = await admit(await archive(GOOD), "v1.0.0", null);
});

test("a pack without faults is ready, and says nothing", () => {
  expect(base).toMatchObject({ status: "ready", report: [] });
});

describe("a planted fault is found, with its file, line and reason", () => {
  test("an undefined variable behind a pair of decisions, without trying all combinations", async () => {
    const switches = Object.fromEntries(
      Array.from({ length: 24 }, (_, n) => [`s${n}`, { type: "boolean", default: false }]),
    );
    const schema = withSchema((all) => Object.assign(all.properties, switches));
    const uses = Object.keys(switches)
      .map((name) => `{% if ${name} %}x{% endif %}`)
      .join("");
    const template = `${container}{% if s7 and log == "loud" %}\nEnvironment=GONE={{ web.cache_size }}\n{% endif %}\n# ${uses}\n`;
    const found = await admit(
      await archive({ ...GOOD, "schema.json": schema, "templates/web.container.j2": template }),
      "v1.0.0",
      null,
    );
    expect(found.status).toBe("quarantined");
    expect(found.report.map(({ code }) => code)).toEqual(["undefined"]);
    const [finding] = found.report;
    expect(finding?.place).toMatchObject({ file: "templates/web.container.j2", line: lineWith(template, "GONE") });
    expect(found.matrix!.rows).toBeLessThan(40);
    expect(found.matrix!.combinations).toBeGreaterThan(1e8);
  });

  test("and which pair brings it about", async () => {
    const template = `${container}{% if log == "loud" %}\nEnvironment=D={{ web.domain }}\n{% endif %}\n`;
    const found = await admit(await archive({ ...GOOD, "templates/web.container.j2": template }), "v1.0.0", null);
    expect(found.report).toHaveLength(1);
    expect(found.report[0]?.place).toMatchObject({
      file: "templates/web.container.j2",
      line: lineWith(template, "Environment=D="),
    });
    expect(found.report[0]?.message).toMatch(/It happens with .*log = "loud" and web\.tls = false/);
  });

  const cases: [string, () => Promise<Uint8Array>, string, Partial<Finding["place"] & object>, RegExp][] = [
    [
      "a dead decision",
      () =>
        archive({
          ...GOOD,
          "schema.json": withSchema((all) =>
            Object.assign(all.properties, { unused: { type: "boolean", default: false } }),
          ),
        }),
      "unused_decision",
      {
        file: "schema.json",
        line: lineWith(
          withSchema((all) => Object.assign(all.properties, { unused: { type: "boolean", default: false } })),
          '"unused"',
        ),
      },
      /reaches no template/,
    ],
    [
      "a phantom variable",
      () => archive({ ...GOOD, "templates/web.container.j2": `${container}Environment=LAG={{ lag }}\n` }),
      "unknown_variable",
      { file: "templates/web.container.j2", line: container.split("\n").length },
      /no decision provides `lag`; did you mean `log`/,
    ],
    [
      "an unclosed block",
      () => archive({ ...GOOD, "templates/web.container.j2": `${container}{% if web.tls %}\n` }),
      "syntax",
      { file: "templates/web.container.j2", line: container.split("\n").length },
      /if|block|end/i,
    ],
    [
      "a duplicate output",
      () => archive({ ...GOOD, "templates/again/web.container.j2": "[Container]\nImage=x:1\n" }),
      "pack_output_twice",
      { file: "templates/web.container.j2", line: 1 },
      /also made by/,
    ],
    [
      "a path escape",
      () => archive(GOOD, [{ name: "../evil.j2", text: "x" }]),
      "pack_path_unsafe",
      { file: '"../evil.j2"', line: 1 },
      /relative path/,
    ],
    [
      "a bomb",
      async () => gzipSync(new Uint8Array(64 * 1024 * 1024), { mtime: 0 }),
      "pack_too_large",
      { file: "leger-pack.tar.gz", line: 1 },
      /more than/,
    ],
    [
      "a bad schema",
      () =>
        archive({
          ...GOOD,
          "schema.json": withSchema((all) => Object.assign(all.properties.log, { $ref: "#/$defs/nowhere" })),
        }),
      "schema_invalid",
      { file: "schema.json", line: lineWith(GOOD["schema.json"]!, '"log"') },
      /points to nothing/,
    ],
    [
      "a breaking change numbered as a patch",
      () =>
        archive({
          ...GOOD,
          "schema.json": withSchema((all) => Object.assign(all.properties.log, { enum: ["quiet", "normal"] })),
        }),
      "version_overpromises",
      { file: "schema.json", line: lineWith(GOOD["schema.json"]!, '"log"') },
      /patch step.*major.*without "loud"/,
    ],
    [
      "a lossy migration that says it is not",
      () =>
        archive({
          ...GOOD,
          "migrations/1.json": JSON.stringify(
            { from: "1.0.0", to: ">=1.0.1", operations: [{ op: "default", path: "web.port", value: 8080 }] },
            null,
            2,
          ),
        }),
      "migration_not_reversible",
      { file: "migrations/1.json", line: 5 },
      /does not give back/,
    ],
  ];
  /** What a fault brings about by itself: what comes from nowhere does not render either, which breaks every saved configuration. */
  const CONSEQUENCES = new Map([["unknown_variable", ["undefined", "version_overpromises"]]]);
  test.each(cases)("%s", async (...[, make, code, place, reason]) => {
    // a new decision deserves a minor step, dead or not
    const found = await admit(await make(), code === "unused_decision" ? "v1.1.0" : "v1.0.1", base);
    // nothing beside the planted fault: a report that also cries about what is right is not read
    expect(found.report.map((one) => one.code).toSorted()).toEqual(
      [code, ...(CONSEQUENCES.get(code) ?? [])].toSorted(),
    );
    const finding = found.report.find((one) => one.code === code);
    expect(finding!.place).toMatchObject(place);
    expect(finding!.message).toMatch(reason);
    expect(finding!.action.length).toBeGreaterThan(10);
    expect(found.status).toBe(code === "version_overpromises" ? "ready" : "quarantined");
  });
});

describe("a migration", () => {
  const migrated = async (operations: JsonObject[], schema: string, template = container) =>
    admit(
      await archive({
        ...GOOD,
        "schema.json": schema,
        "templates/web.container.j2": template,
        "migrations/1.json": JSON.stringify({ from: "1", to: "2", operations }, null, 2),
      }),
      "v2.0.0",
      base,
    );
  const renamed = withSchema((all) => {
    const { log, ...others } = all.properties;
    Object.assign(all, { properties: { ...others, noise: log } });
  });

  test("that carries every row over makes the release one that migrates", async () => {
    const found = await migrated(
      [{ op: "rename", path: "log", to: "noise" }],
      renamed,
      container.replace("{{ log }}", "{{ noise }}"),
    );
    expect(found).toMatchObject({
      status: "ready",
      report: [],
      compatibility: { class: "migrates", effect: "identical", deserved: "major" },
    });
  });

  test("that leaves rows on values that the new schema refuses is found, with the decision's line", async () => {
    const found = await migrated(
      [{ op: "rename", path: "web.cache", to: "store" }],
      renamed,
      container.replace("{{ log }}", "{{ noise }}"),
    );
    expect(found.report.filter(({ code }) => code === "migration_leaves_invalid").length).toBeGreaterThan(0);
    expect(found.status).toBe("quarantined");
  });

  test("that asks for an input says which, and the release needs it", async () => {
    const schema = withSchema((all) =>
      Object.assign(all.properties, { owner: { type: "string" }, required: undefined }),
    );
    const withOwner = JSON.parse(schema) as JsonObject;
    withOwner["required"] = ["owner"];
    const found = await migrated(
      [{ op: "require", path: "owner", message: "Whose is it?" }],
      JSON.stringify(withOwner, null, 2),
      `${container}Label=owner={{ owner }}\n`,
    );
    expect(found).toMatchObject({
      status: "ready",
      compatibility: { class: "needs_input", inputs: [{ decision: "/owner", message: "Whose is it?" }] },
    });
  });
});
