import type { AnyNode, Capture, Expr, Statement } from "#render/ast.ts";
import type { MemberPath } from "#render/compile/kept-members.ts";
import type { Code } from "#render/compile/program.ts";
import type { Source } from "#render/compile/source.ts";
import type { Body } from "#render/compile/step.ts";
import type { Scope } from "#render/compile/scope.ts";
import { placeOf, type TemplatePlace, TemplateFault } from "#render/fault.ts";
import type { BlockCode, Slots } from "#render/run.ts";
import { readWhole } from "#render/trace/read-whole.ts";

/**
 * What one compilation makes. The product renders with the strict variant of each output's kind; only when that fails, the
 * collecting one runs, which knows the place of everything and goes on after a fault; provenance has its own.
 */
export type Variant = {
  /** Undefined values are faults (DESIGN 8). */
  readonly isStrict: boolean;
  /** Printed values are checked for unit files. */
  readonly isUnit: boolean;
  /** Faults get places and do not end the render. */
  readonly isCollecting: boolean;
  /** Spans and the decisions behind them are recorded. */
  readonly isTraced: boolean;
  readonly isAutoescaped: boolean;
  /** Nunjucks' option of that name: printing null or undefined is an error. For comparison only. */
  readonly throwOnUndefined: boolean;
};

/** Result of compiling an expression: the code, and what is known about it that makes faster code possible. */
export type Compiled = {
  readonly code: Code;
  /** Known when compiled. */
  readonly constant?: { readonly value: unknown };
  /** The same as `code`, as data. */
  readonly source?: Source;
  /** The value is a member that is kept once it was read. */
  readonly path?: MemberPath;
  /** In traced variants: the value is reached from this one by these plain keys. */
  readonly chain?: { readonly base: Code; readonly keys: readonly (string | number)[] };
  /** Members of a list literal of constants. */
  readonly items?: readonly unknown[];
  /** The printed text, where that is cheaper to make than the value (macro calls). It needs no unit check. */
  readonly text?: Code;
  /** Made of the template's own literals only: no unit check. */
  readonly isOwnText?: boolean;
  /** The fault to report where the value is undefined and is needed. */
  readonly describe?: (slots: Slots) => TemplateFault;
};

/** How an expression is used: `isAsking` where an undefined value is an answer and not a fault (`if x`, `x is defined`). */
export type Use = { readonly isAsking: boolean };
export const USED: Use = { isAsking: false };
export const ASKED: Use = { isAsking: true };

/** How each kind of node is compiled; handed in, so that the files of the compiler need not import each other in circles. */
export type Dispatch = {
  expression(node: Expr, scope: Scope, use: Use): Compiled;
  body(statements: readonly Statement[], scope: Scope): Body;
  capture(node: Capture, scope: Scope): Compiled;
};

export class TemplateCompiler {
  readonly #dispatch: Dispatch;
  readonly template: string;
  readonly variant: Variant;
  readonly blocks: BlockCode[] = [];
  /** Faults found while compiling; compilation goes on, so that all of them are reported. */
  readonly faults: TemplateFault[] = [];
  /** Whether the code being compiled runs when a block or macro does, and not with the root. */
  isInBlock = false;
  /** Counts the places from which other templates see variables: what is bound behind one hides nothing there. */
  moment = 0;
  /** Other templates or blocks run with this one's context: what is set at the top level must be in it. */
  sharesContext = false;

  constructor(template: string, variant: Variant, dispatch: Dispatch) {
    this.template = template;
    this.variant = variant;
    this.#dispatch = dispatch;
  }

  expression(node: Expr, scope: Scope, use: Use = USED): Compiled {
    return this.#dispatch.expression(node, scope, use);
  }

  body(statements: readonly Statement[], scope: Scope): Body {
    return this.#dispatch.body(statements, scope);
  }

  capture(node: Capture, scope: Scope): Compiled {
    return this.#dispatch.capture(node, scope);
  }

  /**
   * The code of a value that is looked at as a whole (printed, compared, filtered), and not passed on: where origins are
   * traced, all that is in it counts as read.
   */
  operand(node: Expr, scope: Scope, use: Use = USED): Compiled {
    const compiled = this.expression(node, scope, use);
    return this.variant.isTraced && compiled.constant === undefined ? readWhole(compiled) : compiled;
  }

  place(node: Pick<AnyNode, "lineno" | "colno">): TemplatePlace {
    return placeOf(this.template, node);
  }

  /** Notes a fault of the template itself and returns code that never runs, because the template is refused. */
  refuse(node: AnyNode, problem: { code: string; message: string; action: string }): Compiled {
    const fault = new TemplateFault({ ...problem, place: this.place(node) });
    this.faults.push(fault);
    return {
      code: () => {
        throw fault;
      },
    };
  }
}

export const constantOf = (value: unknown): Compiled => ({ code: () => value, constant: { value } });

/** Stands in a collecting run for a variable whose value could not be computed: the cause was reported once already. */
export const FAILED = Object.freeze({ toString: () => "[failed]" });
const SILENCED = new TemplateFault({ code: "silenced", message: "follows from another fault", action: "" });

/** A fault of any kind as a TemplateFault, placed at `place` unless it knows better. */
export function placedFault(error: unknown, place: TemplatePlace): TemplateFault {
  if (error === SILENCED) return SILENCED;
  if (error instanceof TemplateFault) return error.at(place);
  return foreignFault(error, place);
}

export const silence = (): never => {
  throw SILENCED;
};
export const isSilenced = (fault: TemplateFault) => fault === SILENCED;

/** JavaScript's own errors: a stack or string that grew too large is a limit, the rest are wrong types. */
export function foreignFault(error: unknown, place?: TemplatePlace): TemplateFault {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof RangeError && /call stack/i.test(message)) {
    const action = "Look for a macro or include that calls itself, or split the expression.";
    return new TemplateFault({ code: "limit_depth", message: "nested too deep", action, place }, { cause: error });
  }
  if (error instanceof RangeError && /string length|array (?:buffer )?length/i.test(message)) {
    const action = "Build less text at once.";
    return new TemplateFault(
      { code: "limit_string", message: "a text grew too long", action, place },
      { cause: error },
    );
  }
  return new TemplateFault(
    { code: "type", message, action: "Check the types of the values here.", place },
    { cause: error },
  );
}
