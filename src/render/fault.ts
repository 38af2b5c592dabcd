import type { AnyNode } from "#render/ast.ts";

/** Where in which template. Lines and columns count from 1; the parser's count from 0. */
export type TemplatePlace = { readonly template: string; readonly line: number; readonly column: number };

export const placeOf = (template: string, node: Pick<AnyNode, "lineno" | "colno">): TemplatePlace => ({
  template,
  line: (node.lineno ?? 0) + 1,
  column: (node.colno ?? 0) + 1,
});

export type FaultDetails = {
  readonly code: string;
  readonly message: string;
  readonly action: string;
  readonly place?: TemplatePlace | undefined;
  /** JSON Pointer of the decision concerned. */
  readonly decision?: string | undefined;
};

/** Messages quote what templates and decisions say, which may be as long as a text can be. */
const MESSAGE_CHARS_MAX = 1000;
const brief = (message: string) =>
  message.length <= MESSAGE_CHARS_MAX ? message : `${message.slice(0, MESSAGE_CHARS_MAX)}…`;

/**
 * What goes wrong while a template runs. It is the engine's only exception, it never leaves src/render, and
 * `findingOfFault` turns it into a Finding. `endsRender` marks those after which there is no going on.
 */
export class TemplateFault extends Error {
  readonly code: string;
  readonly action: string;
  readonly decision: string | undefined;
  #place: TemplatePlace | undefined;

  constructor(details: FaultDetails, options?: ErrorOptions) {
    super(brief(details.message), options);
    this.name = "TemplateFault";
    this.code = details.code;
    this.action = details.action;
    this.#place = details.place;
    this.decision = details.decision;
  }

  get place() {
    return this.#place;
  }

  get endsRender() {
    return this.code === "limit_steps" || this.code === "limit_depth";
  }

  /** The same fault with the decision concerned, unless it has one. */
  about(decision: string | undefined): TemplateFault {
    if (this.decision !== undefined || decision === undefined) return this;
    const { code, message, action, place } = this;
    return new TemplateFault({ code, message, action, decision, place }, { cause: this });
  }

  /**
   * The same fault with a place, unless it has one: the innermost place is the most useful. It is no copy, which would cost another
   * stack: where a fault has no place yet, whoever catches it is the first to know of it.
   */
  at(place: TemplatePlace): TemplateFault {
    this.#place ??= place;
    return this;
  }
}
