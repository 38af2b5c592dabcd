const encode = (files: Record<string, string>) =>
  new Map(Object.entries(files).map(([path, text]) => [path, new TextEncoder().encode(text)]));

const schema = (properties: object) => JSON.stringify({ type: "object", additionalProperties: false, properties });

const PROPERTIES = {
  vector_database: { type: "string", enum: ["pgvector", "qdrant"], title: "Vector database", default: "pgvector" },
  enable_rag: { type: "boolean", title: "RAG", default: false },
  port: { type: "integer", title: "Port", default: 8080 },
  volume: { type: "string", title: "Volume", default: "data", pattern: "^[a-z]+$" },
  pin: { type: "string", title: "Admin PIN", "x-sensitive": true, default: "" },
  api_key: { type: "string", title: "API key", "x-confman-secret-ref": true, default: "" },
  site_id: { type: "string", title: "Site", "x-confman-immutable": true },
  old_mode: { type: "boolean", title: "Old mode", "x-confman-deprecated": "Use RAG instead." },
};

const FILES = {
  "leger-pack.json": JSON.stringify({
    name: "Life",
    engine: { trim_blocks: true, lstrip_blocks: true },
    outputs: [
      { template: "templates/app.container.j2", output: "app.container" },
      { template: "templates/data.volume.j2", output: "data.volume" },
      { template: "templates/app.env.j2", output: "app.env", sensitive: true },
      { template: "templates/rag.container.j2", output: "rag.container", when: "enable_rag" },
    ],
  }),
  "templates/app.container.j2": `[Container]
Image=docker.io/library/app-{{ vector_database }}:1.2
PublishPort={{ port }}:80
Volume=data.volume:/data
EnvironmentFile=./app.env
{% if api_key %}
Secret={{ secret(api_key, "env", "API_KEY") }}
{% endif %}
`,
  "templates/data.volume.j2": "[Volume]\nVolumeName={{ volume }}\n",
  "templates/app.env.j2": "STORE={{ vector_database }}\nPIN={{ pin }}\nPIN_UPPER={{ pin | upper }}\nEND=1\n",
  "templates/rag.container.j2": "[Container]\nImage=docker.io/library/rag:2.0\n",
};

/** Decisions of every kind that a life has rules for: sensitive, secret, immutable, deprecated; and a volume that can be lost. */
export const LIFE_PACK = encode({ ...FILES, "schema.json": schema(PROPERTIES) });

/** The next release, which has forgotten that the PIN is sensitive and that the site cannot change. */
export const FORGETFUL_PACK = encode({
  ...FILES,
  "schema.json": schema({
    ...PROPERTIES,
    pin: { type: "string", title: "Admin PIN", default: "" },
    site_id: { type: "string", title: "Site" },
  }),
});
