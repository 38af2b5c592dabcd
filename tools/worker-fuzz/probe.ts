import { ESCAPED } from "./inherited.ts"; // first: see there
import type { JsonObject } from "#core/json.ts";
import type { Pack } from "#core/pack.ts";
import { compilePack } from "#render/compile-pack.ts";
import { renderPack } from "#render/render-pack.ts";
import { Random } from "../engine/random.ts";
import { attackCase } from "./attack-case.ts";

/** Which cases to run: `from` up to, and not including, `to`. */
export type ProbeRequest = { readonly seed: number; readonly from: number; readonly to: number };
export type ProbeAnswer = { rendered: number; refused: number; escapes: string[]; crashes: string[] };

/**
 * A worker that is nothing but the engine: built by wrangler and run under the product's compatibility settings, where code from strings
 * is forbidden. It is never deployed. Each template is rendered strictly, with provenance and leniently, as text and as a unit.
 */
export default {
  async fetch(request: Request): Promise<Response> {
    const { seed, from, to } = await request.json<ProbeRequest>();
    const answer: ProbeAnswer = { rendered: 0, refused: 0, escapes: [], crashes: [] };
    for (let number = from; number < to; number++) {
      const { templates, files, decisions } = attackCase(new Random(seed * 1_000_003 + number));
      const before = JSON.stringify(decisions);
      for (const template of templates) {
        const problem = attack(packOf(template, files), decisions as JsonObject, answer);
        const isIntact = JSON.stringify(decisions) === before && worldNow() === WORLD;
        if (!isIntact) answer.escapes.push(`case ${number}: the decisions or the world changed: ${template}`);
        else if (problem !== null) answer[problem.kind].push(`case ${number}: ${problem.what}: ${template}`);
      }
    }
    return Response.json(answer);
  },
};

type Problem = { kind: "escapes" | "crashes"; what: string };

function attack(pack: Pack, decisions: JsonObject, answer: ProbeAnswer): Problem | null {
  try {
    const compiled = compilePack(pack);
    if (!compiled.ok) {
      answer.refused += VARIANTS.length;
      return null;
    }
    const texts = VARIANTS.map((options) => {
      const input = { decisions, deploymentName: "probe", marks: NO_MARKS, ...options };
      const rendered = renderPack(compiled.value, input);
      answer[rendered.ok ? "rendered" : "refused"]++;
      const parts = rendered.ok
        ? rendered.value.files.map(({ text }) => text)
        : rendered.error.map(({ message }) => message);
      return parts.join("\0");
    });
    const leak = LEAK.exec(texts.join("\0"));
    if (leak !== null) return { kind: "escapes", what: leak[0] };
    return texts[0] === texts[1] ? null : { kind: "crashes", what: "provenance changes the result" };
  } catch (error) {
    return { kind: "crashes", what: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

const VARIANTS = [{}, { provenance: true }, { mode: "lenient" }] as const;
const NO_MARKS = { sensitive: [], secretRefs: [] };

/** Texts of functions and of the world outside, what the runtime says when code is made of strings, and what escapes say of themselves. */
const LEAK = new RegExp(
  `\\[native code\\]|function \\w*\\(|\\[object (?:Window|global|Function)|Code generation from strings|${ESCAPED}`,
);

/** Everything that an escape could leave behind for the render after it. */
const worldNow = (): string =>
  [Object, Function, Array, String, Number, Boolean, RegExp, Map, Set, Promise, JSON, Math, Reflect]
    .map((value) => [
      Object.getOwnPropertyNames(value),
      "prototype" in value ? Object.getOwnPropertyNames(value.prototype) : [],
    ])
    .concat([[Object.getOwnPropertyNames(globalThis), []]])
    .map((names) => names.flat().join(" "))
    .join("\n");
const WORLD = worldNow();

const packOf = (template: string, files: Readonly<Record<string, string>>): Pack => ({
  format: 1,
  pack: "attack",
  version: "v1.0.0",
  name: "attack",
  description: "",
  podman: { min: "5.4", max: null },
  engine: { trim_blocks: true, lstrip_blocks: true },
  outputs: ["main.txt", "main.container"].map((output) => ({ template: "main.njk", output })),
  copies: [],
  schema: { type: "object", properties: {} },
  data: { images: { web: "docker.io/library/caddy:2.8" } },
  files: { ...files, "main.njk": template },
  migrations: [],
});
