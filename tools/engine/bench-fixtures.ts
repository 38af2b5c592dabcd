import type { JsonObject } from "#core/json.ts";
import type { Pack } from "#core/pack.ts";
import { type FixturePack, fixturePacks } from "../../test-node/render/fixture-packs.ts";

/** A pack and the decisions to render it with; `secrets` and quoting must not matter to Nunjucks, which has neither. */
export type BenchFixture = {
  readonly name: string;
  readonly pack: Pack;
  readonly decisions: JsonObject;
  readonly marks: { sensitive: string[]; secretRefs: string[] };
};

const packWith = (name: string, files: Record<string, string>): Pack => ({
  format: 1,
  pack: name,
  version: "1.0.0",
  name,
  description: "",
  podman: { min: "5.4", max: null },
  engine: { trim_blocks: true, lstrip_blocks: true },
  outputs: [{ template: "templates/main.j2", output: "main.conf" }],
  copies: [],
  schema: { type: "object", properties: {} },
  data: {},
  files: Object.fromEntries(Object.entries(files).map(([path, text]) => [`templates/${path}`, text])),
  migrations: [],
});

const service = (index: number): JsonObject => ({
  name: `service-${index}`,
  image: `registry.example/team/service-${index}:1.${index}`,
  port: 1000 + index,
  enabled: index % 3 !== 0,
  restart: index % 2 === 0 ? "always" : "on-failure",
  environment: { LOG_LEVEL: "info", WORKERS: String(index % 8), MODE: "production" },
  volumes: [`data-${index}:/data`, "/etc/localtime:/etc/localtime:ro"],
  network: { name: "backend", alias: `alias-${index}` },
});

const services = (count: number): JsonObject => ({
  services: Array.from({ length: count }, (_, index) => service(index)),
});

export const LOOPS = "1,000 services in loops";

const LOOP = `{% for svc in services %}
{% if svc.enabled %}
[Unit]
Description={{ svc.name }} ({{ loop.index }} of {{ loop.length }})
[Container]
Image={{ svc.image }}
PublishPort={{ svc.port }}:80
Network={{ svc.network.name }}.network
NetworkAlias={{ svc.network.alias }}
{% for key, value in svc.environment %}
Environment={{ key }}={{ value }}
{% endfor %}
{% for volume in svc.volumes %}
Volume={{ volume }}{% if not loop.last %},{% endif %}

{% endfor %}
[Service]
Restart={{ svc.restart }}
{% if svc.restart == "always" %}
RestartSec=10
{% elif svc.port > 1500 %}
RestartSec=20
{% endif %}
{% endif %}
{% endfor %}
`;

const MACROS = `{% macro pair(key, value, quoted=false) %}Environment={% if quoted %}"{% endif %}{{ key }}={{ value }}{% if quoted %}"{% endif %}

{% endmacro %}
{% macro section(name) %}
[{{ name }}]
{{ caller() }}
{% endmacro %}
{% macro unit(svc) %}
{% call section("Container") %}
Image={{ svc.image }}
{{ pair("NAME", svc.name) }}{{ pair("PORT", svc.port, quoted=true) }}{{ pair("IMAGE", svc.image | upper) }}
{% endcall %}
{% endmacro %}
{% for svc in services %}{{ unit(svc) }}{% endfor %}
`;

const FILTERS = `{% for svc in services %}
{{ svc.name | upper | replace("SERVICE", "unit") }} {{ svc.missing | default("none") }} {{ svc.volumes | join(", ") }}
{{ svc.name | length }} {{ (svc.port + 1) * 2 }} {{ "port-" ~ svc.port }} {{ svc.restart in ["always", "no"] }}
{{ svc.network.alias | title }} {{ svc.volumes | first }} {{ svc.volumes | last }} {{ svc.name | indent(2) }}
{% endfor %}
`;

const depth = 12;
const importFiles = Object.fromEntries(
  Array.from({ length: depth }, (_, index) => [
    `level-${index}.j2`,
    index === depth - 1
      ? `{% macro line(svc) %}{{ svc.name }}={{ svc.port }}{% endmacro %}`
      : `{% import "level-${index + 1}.j2" as next %}{% macro line(svc) %}<{{ svc.port }} {{ next.line(svc) }}>{% endmacro %}`,
  ]),
);

const FLAT = Array.from(
  { length: 300 },
  (_, index) =>
    `KEY_${index}={{ services[${index % 20}].name }} and {{ services[${index % 20}].network.alias }} text\n`,
).join("");

const INHERITED: Record<string, string> = {
  "base.j2":
    `{% block head %}head{% endblock %}\n{% for svc in services %}{% block unit scoped %}{% endblock %}{% endfor %}`.replace(
      " scoped",
      "",
    ),
  "part.j2": `PART={{ svc.name }}\n`,
  "main.j2": `{% extends "base.j2" %}{% block head %}{{ super() }} more{% endblock %}{% block unit %}U={{ svc.name }}\n{% include "part.j2" %}{% endblock %}`,
};

const generated = (name: string, files: Record<string, string>, count: number): BenchFixture => ({
  name,
  pack: packWith(name, files),
  decisions: services(count),
  marks: { sensitive: [], secretRefs: [] },
});

/** The case of a fixture pack that has the most decisions. */
function fixtureOf({ name, pack, cases }: FixturePack): BenchFixture {
  const sizes = cases.map((each) => JSON.stringify(each.prepared.saved).length);
  const largest = cases[sizes.indexOf(Math.max(...sizes))];
  if (largest === undefined) throw new Error(`${name} has no cases`);
  const { effective, marks } = largest.prepared;
  return { name: `${name}, ${largest.name}`, pack, decisions: effective, marks };
}

export function benchFixtures(): BenchFixture[] {
  return [
    ...fixturePacks().map(fixtureOf),
    generated(LOOPS, { "main.j2": LOOP }, 1000),
    generated("300 services in macros", { "main.j2": MACROS }, 300),
    generated("500 services in filters", { "main.j2": FILTERS }, 500),
    generated(
      "imports twelve deep",
      {
        "main.j2": `{% import "level-0.j2" as next %}{% for svc in services %}{{ next.line(svc) }}\n{% endfor %}`,
        ...importFiles,
      },
      100,
    ),
    generated("flat, 600 values", { "main.j2": FLAT }, 20),
    generated("blocks and includes", INHERITED, 200),
  ];
}
