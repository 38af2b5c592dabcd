import type { Finding } from "#core/finding.ts";
import { type JsonPosition, jsonPositions, nearestPosition } from "#core/json-position.ts";
import type { Pack } from "#core/pack.ts";
import { excerptAround } from "#render/finding-of-fault.ts";

/** Puts findings where an author looks: in the line of the pack's own file that a pointer names. */
export class SourcePlaces {
  readonly #pack: Pack;
  readonly #positions = new Map<string, Map<string, JsonPosition>>();

  constructor(pack: Pack) {
    this.#pack = pack;
  }

  /** `pointer` is into the JSON file itself. */
  at(file: string, pointer: string, finding: Finding): Finding {
    const text = this.#pack.files[file];
    if (text === undefined) return finding;
    let positions = this.#positions.get(file);
    if (!positions) this.#positions.set(file, (positions = jsonPositions(text)));
    const position = nearestPosition(positions, pointer);
    return { ...finding, place: { file, ...position }, excerpt: excerptAround(text, position.line) };
  }

  /** `decision` is a JSON Pointer into `config_data`: `/a/b` stands at `/properties/a/properties/b` of schema.json. */
  ofDecision(decision: string, finding: Finding): Finding {
    return this.at("schema.json", decision.replaceAll(/\/([^/]*)/g, "/properties/$1"), finding);
  }
}
