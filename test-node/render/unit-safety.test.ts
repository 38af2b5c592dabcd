import { describe, expect, test } from "vitest";
import { isJsonObject, type Json, type JsonObject } from "#core/json.ts";
import { parseUnit } from "#quadlet/parse-unit.ts";
import { renderPack } from "#render/render-pack.ts";
import { isUnitFile } from "#render/unit-file.ts";
import { fixturePacks, inputOf as fixtureInput } from "./fixture-packs.ts";
import { codesOf, findingsOf, inputOf, makePack, renderedOf } from "./make-pack.ts";

const HOSTILE = [
  "x\nExecStartPre=/bin/evil",
  "x\r\n[Service]",
  "x\\",
  'x"',
  "x'",
  "x;y",
  "x %h $HOME `id`",
  "\u0000",
  "x\u2028y",
  "x # y",
  "[Install]",
];

const unit = (template: string, value: Json) =>
  findingsOf(makePack({ "web.container.j2": template }), inputOf({ value }));

describe("a value printed into a unit", () => {
  test.each(HOSTILE)("is refused when it could leave its place: %j", (value) => {
    expect(unit("[Container]\nImage={{ value }}\n", value).map(({ code }) => code)).toEqual(["unit_unsafe_value"]);
  });

  test.each(["docker.io/library/caddy:2-alpine", "a_b-c.d", 8080, true, "x=y", "a@b,c+d", ""])(
    "passes when it is plain: %j",
    (value) => {
      expect(unit("[Container]\nImage={{ value }}\n", value)).toEqual([]);
    },
  );

  test("may be anything in an output that is no unit", () => {
    expect(findingsOf(makePack({ "web.env.j2": "X={{ value }}" }), inputOf({ value: HOSTILE[0] ?? "" }))).toEqual([]);
  });

  test("with inner spaces is handed on by its place, for the key's kind to decide", () => {
    const [file] = renderedOf(
      makePack({ "web.container.j2": "[Unit]\nDescription=My {{ value }}!\n" }),
      inputOf({ value: "two words" }),
    ).files;
    expect(file?.printed.map(({ start, end }) => file.text.slice(start, end))).toEqual(["two words"]);
    expect(unit("Description={{ value }}", " x").map(({ code }) => code)).toEqual(["unit_unsafe_value"]);
  });

  test("is safe inside of the text of a macro, a call body, a block and a capture, where it was checked", () => {
    const template = `{% macro pair(k) %}{{ k }}=1
{% endmacro %}{% macro box() %}{{ caller() }}{% endmacro %}{% set kept %}Volume={{ value }}:/x
{% endset %}[Container]
{{ pair("Environment") }}{{ kept }}{{ kept | trim }}
{{ pair("X") | indent(2) }}{% call box() %}Image={{ value }}{% endcall %}{% block b %}B={{ value }}{% endblock %}`;
    expect(unit(template, "v").map(({ message }) => message)).toEqual([]);
    expect(unit(template, "v\nw").map(({ code }) => code)).toContain("unit_unsafe_value");
  });

  test("is not made safe by other filters", () => {
    expect(codesOf("X={{ value | safe }}", { value: "a\nb" }, "web.container.j2")).toEqual(["unit_unsafe_value"]);
    expect(codesOf("{% set x %}a b\n{% endset %}X={{ x | upper }}", {}, "web.container.j2")).toEqual([
      "unit_unsafe_value",
    ]);
  });

  test("may be a literal of the template's own", () => {
    expect(codesOf("X={{ 'a \"b\"' }}{{ 'c;d' if value else 'e\\n' }}", { value: true }, "web.container.j2")).toEqual(
      [],
    );
  });
});

describe("quoting filters", () => {
  const text = (template: string, value: Json) =>
    renderedOf(makePack({ "web.container.j2": template }), inputOf({ value })).files[0]?.text;

  test.each(HOSTILE.filter((value) => value !== "\u0000"))("quadlet_word keeps %j in one word of one line", (value) => {
    const parsed = parseUnit(
      "web.container",
      text("[Container]\nExec=a {{ value | quadlet_word }} b\nImage=x\n", value) ?? "",
    );
    const keys = parsed.nodes.flatMap((node) => (node.type === "assignment" ? [node.key] : []));
    expect(keys).toEqual(["Exec", "Image"]);
  });

  test.each([
    ["{{ value | quadlet_word }}", 'say "hi" 100% $x\\', '"say \\"hi\\" 100%% $$x\\\\"'],
    ["{{ value | quadlet_word }}", "plain", "plain"],
    ["{{ value | quadlet_word }}", "", '""'],
    ["{{ value | quadlet_word }}", "a\nb\tc\u0001", '"a\\nb\\tc\\x01"'],
    ['{{ value | quadlet_env("NAME") }}', "a b", '"NAME=a b"'],
    ["{{ value | quadlet_env }}", { A: 1, B_2: "x y" }, 'A=1 "B_2=x y"'],
    ["{{ value | quadlet_text }}", "Müller's 100%", "Müller's 100%%"],
    ["{{ value | systemd_escape }}", "/dev/my disk-1.x", "-dev-my\\x20disk\\x2d1.x"],
    ["{{ value | systemd_escape }}", ".hidden ü", "\\x2ehidden\\x20\\xc3\\xbc"],
  ] as const)("%s of %j", (template, value, expected) => {
    expect(text(template, value as Json)).toBe(expected);
  });

  test.each([
    ["{{ value | quadlet_text }}", "a\nb", "unit_unsafe_value"],
    ["{{ value | quadlet_text }}", "ends\\", "unit_unsafe_value"],
    ["{{ value | quadlet_text }}", '"quoted"', "unit_unsafe_value"],
    ["{{ value | quadlet_word }}", ["a"], "filter_type"],
    ["{{ value | quadlet_word }}", "a\u0000", "unit_unsafe_value"],
    ['{{ value | quadlet_env("not a name") }}', "x", "filter_argument"],
  ] as const)("%s refuses %j", (template, value, code) => {
    expect(unit(template, value as Json).map((finding) => finding.code)).toEqual([code]);
  });
});

describe("secrets and sensitive decisions", () => {
  const decisions = {
    token: "leger://api-token",
    vault: "keyvault://prod/stripe-key",
    mail: "me@example.org",
    list: ["leger://one"],
    empty: "",
  };
  const marks = { sensitive: ["/mail"], secretRefs: ["/token", "/vault", "/list/0", "/empty"] };
  const pack = (template: string, sensitive = false) => {
    const made = makePack({ "web.container.j2": template });
    return sensitive ? { ...made, outputs: made.outputs.map((output) => ({ ...output, sensitive })) } : made;
  };

  test("secret() writes the value of Secret= and records what the device needs", () => {
    const template =
      '{{ secret(token, "env", "TOKEN") }}\n{{ secret(vault, type="mount", target="/run/x") }}\n{{ secret("bare") }}\n{{ secret(list[0]) }}';
    const rendered = renderedOf(pack(template), inputOf(decisions, { marks }));
    expect(rendered.files[0]?.text).toBe(
      "api-token,type=env,target=TOKEN\nstripe-key,type=mount,target=/run/x\nbare,type=env\none,type=env",
    );
    expect(rendered.secrets).toEqual([
      { name: "api-token", type: "env", target: "TOKEN", required: true, file: "web.container" },
      { name: "bare", type: "env", target: null, required: true, file: "web.container" },
      { name: "one", type: "env", target: null, required: true, file: "web.container" },
      { name: "stripe-key", type: "mount", target: "/run/x", required: true, file: "web.container" },
    ]);
  });

  test("secrets of a file that is not shipped are not asked for", () => {
    expect(renderedOf(pack("{% set x = secret(token) %}  "), inputOf(decisions, { marks })).secrets).toEqual([]);
  });

  test.each([
    "{{ token }}",
    "{{ token | upper }}",
    "{{ token ~ '' }}",
    "{{ [token] }}",
    "{{ [token] | toJson }}",
    "{{ config | dump }}",
    "{{ token.length }}",
    "{{ token | length }}",
    "{{ token[0] }}",
    "{% for c in token %}{{ c }}{% endfor %}",
    "{{ list | join }}",
    "{{ token | default('x') | quadlet_word }}",
    "{% set t = token %}{{ t }}",
    "{{ 'x' | replace('x', token) }}",
    "{{ token in 'abc' }}",
    "{{ (token, 1) | first }}",
    "{{ {a: token} | toJson }}",
    "{{ token | safe }}",
    "{{ [token, 'a'] | sort }}",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(token) }}",
    "{{ token + 1 }}",
    "{{ token | string }}",
  ])("a secret reference reaches nothing else: %s", (template) => {
    for (const sensitive of [false, true]) {
      const findings = findingsOf(pack(template, sensitive), inputOf(decisions, { marks }));
      expect(findings.length, template).toBeGreaterThan(0);
      expect(JSON.stringify(findings.map(({ message }) => message))).not.toContain("api-token");
    }
  });

  test("both may be asked about and compared", () => {
    const template =
      "{{ 'y' if token }}{{ 'n' if not empty }}{{ 'e' if mail == 'me@example.org' }}{{ 'd' if token is defined }}";
    expect(renderedOf(pack(template), inputOf(decisions, { marks })).files[0]?.text).toBe("yned");
  });

  test("a sensitive decision reaches sensitive outputs only", () => {
    expect(findingsOf(pack("{{ mail }}"), inputOf(decisions, { marks }))).toMatchObject([
      { code: "sensitive_misplaced", decision: "/mail" },
    ]);
    expect(
      renderedOf(pack("{{ mail | upper | replace('@', '.') }}", true), inputOf(decisions, { marks })).files[0]?.text,
    ).toBe("ME.EXAMPLE.ORG");
  });

  test("a reference below a sensitive decision stays one, and everything else there is closed up", () => {
    const ldap = { bind: { dn: "cn=admin", password: "leger://ldap-password", hosts: ["one"] } };
    const nested = {
      marks: { sensitive: ["/ldap/bind", "/ldap/bind/password/x"], secretRefs: ["/ldap/bind/password"] },
    };
    const rendered = renderedOf(pack("{{ secret(ldap.bind.password) }}"), inputOf({ ldap }, nested));
    expect(rendered.files[0]?.text).toBe("ldap-password,type=env");
    for (const path of ["dn", "hosts[0]", "password", "hosts"]) {
      const findings = findingsOf(pack(`{{ ldap.bind.${path} }}`), inputOf({ ldap }, nested));
      expect(findings.length, path).toBe(1);
    }
    expect(ldap.bind.hosts).toEqual(["one"]);
  });

  test("a literal where a reference belongs is refused, with the command that stores it", () => {
    const [finding] = findingsOf(
      pack("{{ secret(token) }}"),
      inputOf({ token: "hunter2" }, { marks: { sensitive: [], secretRefs: ["/token"] } }),
    );
    expect(finding).toMatchObject({ code: "secret_literal", decision: "/token" });
    expect(finding?.action).toContain("leger secrets set");
    expect(JSON.stringify(finding)).not.toContain("hunter2");
  });
});

/** Every text among the decisions replaced by a hostile one, one at a time: its pointer and the decisions then. */
function* hostileVariants(decisions: JsonObject, value: string): Generator<{ pointer: string; decisions: JsonObject }> {
  const pointers: string[] = [];
  const collect = (at: Json, pointer: string): void => {
    if (typeof at === "string") pointers.push(pointer);
    else if (Array.isArray(at)) at.forEach((item, index) => collect(item, `${pointer}/${index}`));
    else if (isJsonObject(at)) for (const [key, item] of Object.entries(at)) collect(item, `${pointer}/${key}`);
  };
  collect(decisions, "");
  for (const pointer of pointers) {
    const copy = structuredClone(decisions) as Record<string, Json>;
    const keys = pointer.split("/").slice(1);
    let at = copy as Record<string, Json>;
    for (const key of keys.slice(0, -1)) at = at[key] as Record<string, Json>;
    at[keys.at(-1) ?? ""] = value;
    yield { pointer, decisions: copy };
  }
}

const keysOf = (filename: string, text: string): string[] =>
  parseUnit(filename, text).nodes.flatMap((node) =>
    node.type === "assignment" ? [`${node.section}.${node.key}`] : [],
  );

test.each(fixturePacks())(
  "hostile values in $name add no key to any unit, and say so where they are refused",
  ({ compiled, cases }) => {
    let refused = 0;
    const places: string[] = [];
    for (const { prepared } of cases) {
      for (const value of HOSTILE.slice(0, 5)) {
        for (const { pointer, decisions } of hostileVariants(prepared.effective, value)) {
          const rendered = renderPack(compiled, { ...fixtureInput(prepared), decisions });
          if (!rendered.ok) {
            refused++;
            places.push(...rendered.error.map(({ place }) => `${pointer} ${place?.file}`));
            continue;
          }
          for (const { filename, text, template } of rendered.value.files.filter((file) => isUnitFile(file.filename))) {
            const written = new Set(
              [...(compiled.sources[template] ?? "").matchAll(/^\s*([A-Za-z-]+)=/gm)].map((match) => match[1]),
            );
            for (const [, shared] of Object.entries(compiled.sources))
              for (const match of shared.matchAll(/^\s*([A-Za-z-]+)=/gm)) written.add(match[1]);
            for (const key of keysOf(filename, text))
              expect(written.has(key.split(".")[1]), `${pointer}: ${key}`).toBe(true);
          }
        }
      }
    }
    expect(refused).toBeGreaterThan(10);
    expect(places.filter((place) => !place.includes(" templates/"))).toEqual([]);
  },
);

describe("a refusal names the decision and the place", () => {
  const refusal = (templates: Record<string, string>, decisions: JsonObject) =>
    findingsOf(makePack(templates), inputOf(decisions)).map(
      ({ code, decision, place }) => `${code} ${decision} ${place?.file}:${place?.line}:${place?.column}`,
    );
  const services = { web: { name: "x\ny", port: 80 } };

  test("where it is printed", () => {
    expect(
      refusal(
        { "web.container": "[Container]\nPublishPort={{ services.web.port }}:{{ services.web.name }}\n" },
        { services },
      ),
    ).toEqual(["unit_unsafe_value /services/web/name templates/web.container:2:52"]);
  });

  test("of several that make the value, the one that is not plain", () => {
    expect(refusal({ "web.container": "Image={{ services.web.port ~ services.web.name }}\n" }, { services })).toEqual([
      "unit_unsafe_value /services/web/name templates/web.container:1:22",
    ]);
  });

  test("through variables, loops, macros, captures and imports", () => {
    const templates = {
      "_m.njk": "{% macro line(key, value) %}{{ key }}={{ value }}{% endmacro %}",
      "web.container": `{% from "./_m.njk" import line %}
{% set name = services.web.name %}
A={{ name }}
{% for part in parts %}
B={{ part }}
{% endfor %}
{{ line("C", services.web.name) }}
{% set kept %}D={{ services.web.name }}{% endset %}
`,
    };
    expect(refusal(templates, { services, parts: ["plain", 'a"b'] })).toEqual([
      "unit_unsafe_value /services/web/name templates/_m.njk:1:42",
      "unit_unsafe_value /services/web/name templates/web.container:3:6",
      "unit_unsafe_value /parts/1 templates/web.container:5:6",
      "unit_unsafe_value /services/web/name templates/web.container:8:32",
    ]);
  });

  test("also of what a filter refuses, and of values with spaces, by their span", () => {
    expect(refusal({ "web.container": "Description={{ services.web.name | quadlet_text }}\n" }, { services })).toEqual([
      expect.stringContaining("unit_unsafe_value /services/web/name"),
    ]);
    const [file] = renderedOf(
      makePack({ "web.container": "[Container]\nEnvironment=A={{ first }} B={{ second }}\n" }),
      inputOf({ first: "plain", second: "two words" }),
    ).files;
    expect(file?.printed).toMatchObject([{ decision: "/second", place: { line: 2, column: 32 } }]);
  });
});
