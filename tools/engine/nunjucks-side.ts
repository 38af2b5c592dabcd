import nunjucks from "nunjucks";
import type { JsonObject } from "#core/json.ts";
import type { PackOutput } from "#core/pack.ts";
import type { BenchFixture } from "./bench-fixtures.ts";

/**
 * A pack rendered by Nunjucks, as somebody would who has only Nunjucks: one environment that keeps its compiled templates, a context
 * made anew for each render, each output's condition asked (as a template, so that it is kept compiled too), its template
 * rendered, and files of white space only left out.
 */
export class NunjucksSide {
  readonly #environment: nunjucks.Environment;
  readonly #fixture: BenchFixture;

  constructor(fixture: BenchFixture) {
    this.#fixture = fixture;
    this.#environment = newEnvironment(fixture);
  }

  render(decisions: JsonObject): string[] {
    const { pack } = this.#fixture;
    const context = { ...decisions, config: decisions, data: pack.data, leger: { deployment_name: "bench" } };
    const texts: string[] = [];
    for (const output of pack.outputs) {
      if (output.when !== undefined && this.#text(conditionName(output), context) === "") continue;
      const text = this.#text(output.template, context);
      // It flattens the text: joined texts are paid for when they are read.
      if (text.trim() !== "") texts.push(text);
    }
    return texts;
  }

  #text(template: string, context: object): string {
    return this.#environment.getTemplate(template, true).render(context);
  }
}

const conditionName = (output: PackOutput): string => `when ${output.output}`;

function newEnvironment({ pack }: BenchFixture): nunjucks.Environment {
  const sources = new Map(Object.entries(pack.files));
  for (const output of pack.outputs) {
    if (output.when !== undefined) sources.set(conditionName(output), `{% if ${output.when} %}1{% endif %}`);
  }
  const loader = {
    getSource: (name: string) => {
      const path = [`templates/${name}`, name].find((candidate) => sources.has(candidate));
      return path === undefined ? null : { src: sources.get(path) ?? "", path: name, noCache: false };
    },
  };
  const { trim_blocks: trimBlocks, lstrip_blocks: lstripBlocks } = pack.engine;
  const environment = new nunjucks.Environment(loader, { autoescape: false, trimBlocks, lstripBlocks });
  environment.addGlobal("secret", (reference: string, kind = "env", target?: string) => {
    const name = reference.replace(/^[a-z]+:\/\/(?:.*\/)?/, "");
    return `${name},type=${kind}${target === undefined ? "" : `,target=${target}`}`;
  });
  // The quoting filters are the engine's own: Nunjucks gets plain ones that do as little.
  environment.addFilter("quadlet_word", (value: unknown) => quote(String(value)));
  environment.addFilter("quadlet_text", (value: unknown) => String(value));
  environment.addFilter("quadlet_env", (value: unknown, name: string) => quote(`${name}=${String(value)}`));
  environment.addFilter("toJson", (value: unknown) => JSON.stringify(value));
  return environment;
}

const quote = (text: string): string =>
  /^[A-Za-z0-9._:/@,+=-]+$/.test(text)
    ? text
    : `"${text.replace(/["\\]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
