import { expect, test } from "vitest";
import { admitPack, examined } from "#registry/admit-pack.ts";

const TEMPLATE = "[Container]\nImage=docker.io/library/caddy:2.10.0\nEnvironment=D={{ d }}\n";

/** Admits a pack whose only decision `d` is described so; findings as `code line: message`. */
async function found(decision: string, files: Record<string, string> = { "templates/web.container.j2": TEMPLATE }) {
  const schema = `{ "type": "object", "properties": {\n"d":\n${decision}\n} }`;
  const bytes = Object.entries({ "schema.json": schema, ...files }).map(
    ([name, text]) => [name, new TextEncoder().encode(text)] as const,
  );
  const admission = await admitPack(new Map(bytes), { pack: "p", version: "v1.0.0", notes: "" });
  const { report, status } = examined(admission, { version: "v1.0.0", previous: null });
  return {
    status,
    report: report.map(({ code, place, message }) => `${code} ${place?.file}:${place?.line} ${message}`),
  };
}

test("a schema that is sound is admitted", async () => {
  expect(await found('{ "type": ["string", "null"], "default": "a", "maxLength": 3, "examples": ["b"] }')).toEqual({
    status: "ready",
    report: [],
  });
});

test.each<[decision: string, says: RegExp]>([
  ["5", /^schema_invalid schema\.json:2 .*\/properties\/d: must be a schema/],
  ['{ "type": "strnig" }', /^schema_invalid schema\.json:3 .*type must be one of object, array/],
  ['{ "enum": [] }', /^schema_invalid schema\.json:3 .*enum must be a list of different values/],
  ['{ "enum": ["a", "a"], "default": "a" }', /^schema_invalid schema\.json:3 .*enum must be/],
  ['{ "type": "integer", "minimum": "1" }', /^schema_invalid schema\.json:3 .*minimum must be a number/],
  ['{ "type": "integer", "minimum": 2, "maximum": 1 }', /^schema_invalid schema\.json:3 .*nothing fits/],
  ['{ "type": "string", "maxLength": -1 }', /^schema_invalid schema\.json:3 .*maxLength must be a whole number/],
  ['{ "type": "object", "properties": { "constructor": {} } }', /^schema_invalid schema\.json:3 .*called constructor/],
  ['{ "anyOf": [] }', /^schema_invalid schema\.json:3 .*anyOf must be a list of schemas/],
  ['{ "type": "integer", "default": "x" }', /^matrix_empty schema\.json:2 .*Must be an integer/],
  [
    '{ "type": "boolean", "default": true, "x-depends-on": { "e": true } }',
    /^dependency_never_holds schema\.json:2 .*`e`, which is no decision/,
  ],
])("a decision %s is found in its line", async (decision, says) => {
  const { status, report } = await found(decision);
  expect(status).toBe("quarantined");
  expect(report).toContainEqual(expect.stringMatching(says));
});

test("a pack that ships nothing is refused: devices would be told to remove everything", async () => {
  const { status, report } = await found('{ "type": "boolean", "default": true }', {});
  expect(status).toBe("quarantined");
  expect(report).toContainEqual(expect.stringMatching(/^pack_makes_nothing /));
});
