import { gzipSync } from "fflate";
import { packTar } from "modern-tar";

type Files = Record<string, string>;

const text = (title: string, more: object = {}) => ({ type: "string", title, ...more });
const properties = {
  greeting: text("Greeting", { default: "hello" }),
  tune: { type: "boolean", title: "Tune", default: false },
  store: text("Store", { enum: ["small", "big"], default: "small" }),
  pin: text("PIN", { "x-sensitive": true, default: "" }),
  team: {
    type: "object",
    additionalProperties: false,
    title: "Team",
    properties: { size: { type: "integer", title: "Size" } },
  },
  mode: text("Mode", { enum: ["new", "old"], default: "new" }),
};

const schema = (own: object) =>
  JSON.stringify({ type: "object", additionalProperties: false, properties: { ...properties, ...own } });

/** The first release: one container with its volume, a note that no unit reads, and a file that may hold the PIN. */
export const FIRST: Files = {
  "leger-pack.json": JSON.stringify({
    name: "Impact",
    engine: { trim_blocks: true, lstrip_blocks: true },
    outputs: [
      { template: "templates/app.container.j2", output: "app.container" },
      { template: "templates/data.volume.j2", output: "data.volume" },
      { template: "templates/app.env.j2", output: "app.env", sensitive: true },
      { template: "templates/note.txt.j2", output: "note.txt" },
    ],
  }),
  "schema.json": schema({}),
  "templates/app.container.j2":
    "[Container]\nImage=docker.io/library/app:1.2\nVolume=data.volume:/data\nEnvironmentFile=./app.env\n",
  "templates/data.volume.j2": "[Volume]\nVolumeName=data-{{ store }}\n",
  "templates/app.env.j2": "PIN={{ pin }}\nEND=1\n",
  "templates/note.txt.j2":
    "{{ greeting }} {{ mode }}{% if team is defined and team.size is defined %} of {{ team.size }}{% endif %}\n{% if tune %}tuned\n{% endif %}",
};

/**
 * The next one does something else to each: it greets whoever changed the greeting more loudly (a file), tunes (a restart), renames the big
 * store's volume (data), asks a team for its owner (input), and knows no old mode any more (fails).
 */
export const NEXT: Files = {
  ...FIRST,
  "schema.json": schema({
    team: {
      ...properties.team,
      required: ["owner"],
      properties: { ...properties.team.properties, owner: text("Owner") },
    },
    mode: text("Mode", { enum: ["new"], default: "new" }),
  }),
  "templates/app.container.j2": `${FIRST["templates/app.container.j2"]}{% if tune %}\nEnvironment=TUNED=1\n{% endif %}`,
  "templates/data.volume.j2":
    "[Volume]\n{% if store == 'big' %}\nVolumeName=huge\n{% else %}\nVolumeName=data-{{ store }}\n{% endif %}\n",
  "templates/note.txt.j2": `${FIRST["templates/note.txt.j2"]}{% if greeting != 'hello' %}and welcome\n{% endif %}{% if team is defined and team.owner is defined %}{{ team.owner }}\n{% endif %}`,
};
/** Decisions by the class that they are in. */
export const DECISIONS: Record<string, object> = {
  identical: {},
  changed: { greeting: "good morning" },
  restarts: { tune: true },
  "data-risk": { store: "big", pin: "pin-4711-canary" },
  "needs-input": { team: { size: 3 } },
  fails: { mode: "old", greeting: "failing-canary" },
};

/** An archive as `leger-pack build` makes it. */
export async function archive(files: Files): Promise<Uint8Array> {
  const entries = Object.entries(files).map(([name, body]) => ({
    header: { name, size: new TextEncoder().encode(body).length, type: "file" as const, mtime: new Date(0) },
    body,
  }));
  return gzipSync(await packTar(entries));
}
