/** The first-party packs as trees (path -> bytes), built into the test bundle: workerd has no file system. */
const sources = import.meta.glob<string>("../templates-fixtures/leger/*/pack/**/*", {
  query: "?raw",
  import: "default",
  eager: true,
});
const cases = import.meta.glob<string>("../templates-fixtures/leger/*/cases/*/config.json", {
  query: "?raw",
  import: "default",
  eager: true,
});

export function fixturePack(version: string): Map<string, Uint8Array> {
  const prefix = `../templates-fixtures/leger/${version}/pack/`;
  const tree = new Map<string, Uint8Array>();
  for (const [path, text] of Object.entries(sources))
    if (path.startsWith(prefix)) tree.set(path.slice(prefix.length), new TextEncoder().encode(text));
  return tree;
}

export const fixtureCases = (version: string): { name: string; text: string }[] =>
  Object.entries(cases)
    .filter(([path]) => path.includes(`/leger/${version}/cases/`))
    .map(([path, text]) => ({ name: path.split("/").at(-2) ?? path, text }));

const encode = (files: Record<string, string>) =>
  new Map(Object.entries(files).map(([path, text]) => [path, new TextEncoder().encode(text)]));

/** Three files, so that a test can count: a container, its network and a text file with a decision in it. */
export const SMALL_PACK = encode({
  "schema.json": JSON.stringify({
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    additionalProperties: false,
    required: ["web"],
    properties: {
      web: {
        type: "object",
        additionalProperties: false,
        required: ["port"],
        properties: {
          port: { type: "integer", minimum: 1, maximum: 65535, title: "Port" },
          image: { type: "string", default: "docker.io/library/caddy:2.8-alpine", title: "Image" },
          greeting: { type: "string", default: "hello", title: "Greeting", maxLength: 2000 },
          tls: { type: "boolean", default: false, title: "TLS" },
          domain: { type: "string", title: "Domain", "x-depends-on": { "web.tls": true }, default: "example.com" },
        },
      },
      break_it: { type: "boolean", default: false, title: "Break it" },
      id_once: { type: "string", "x-confman-immutable": true },
    },
  }),
  "leger-pack.json": JSON.stringify({ name: "Small", engine: { trim_blocks: true, lstrip_blocks: true } }),
  "templates/web.container.j2":
    "[Unit]\nDescription=Web\n\n[Container]\nImage={{ web.image }}\nPublishPort={{ web.port }}:80\nNetwork=web.network\n{% if break_it %}{{ web.nowhere }}{% endif %}\n",
  "templates/web.network.j2": "[Network]\nDriver=bridge\n",
  "templates/greeting.txt.j2": "{{ web.greeting }}{% if web.tls %} at {{ web.domain }}{% endif %}\n",
});
