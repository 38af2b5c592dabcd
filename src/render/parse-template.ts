import lexer from "nunjucks/src/lexer.js";
import nodes from "nunjucks/src/nodes.js";
import parser from "nunjucks/src/parser.js";
import { LIMITS } from "#core/limits.ts";
import { type Result, err, ok } from "#core/result.ts";
import type { Expr, Output, Root, Slice } from "#render/ast.ts";
import { TemplateFault } from "#render/fault.ts";

export type ParseOptions = { readonly trimBlocks: boolean; readonly lstripBlocks: boolean; readonly isJinja: boolean };

/** Nunjucks' parser with two changes: slices (its own Jinja mode), and `raw` found in linear time. */
class TemplateParser extends parser.Parser {
  isJinja = false;

  override parseAggregate(): Expr | null {
    const token = this.peekToken();
    if (!this.isJinja || token?.type !== "left-bracket") return super.parseAggregate();
    this.nextToken();
    const items: Expr[] = [];
    while (!this.skip("right-bracket")) {
      if (items.length > 0 && !this.skip("comma"))
        this.fail("parseAggregate: expected comma after expression", token.lineno, token.colno);
      items.push(this.parseItem(token));
    }
    return new nodes.Array(token.lineno, token.colno, items);
  }

  private parseItem(open: { lineno: number; colno: number }): Expr {
    const start = this.peekToken()?.type === "colon" ? null : this.parseExpression();
    if (!this.skip("colon")) return start ?? this.fail("expected an expression", open.lineno, open.colno);
    const literal = (value: number | null) => new nodes.Literal(open.lineno, open.colno, value);
    const isEnd = () => ["right-bracket", "colon"].includes(this.peekToken()?.type ?? "right-bracket");
    const stop = isEnd() ? literal(null) : this.parseExpression();
    const step = this.skip("colon") && !isEnd() ? this.parseExpression() : literal(1);
    const slice: Slice = {
      typename: "Slice",
      lineno: open.lineno,
      colno: open.colno,
      start: start ?? literal(null),
      stop,
      step,
    };
    return slice;
  }

  override parseRaw(tagName = "raw"): Output {
    const begun = this.advanceAfterBlockEnd();
    const { tokens } = this;
    const tag = new RegExp(`\\{%\\s*(end)?${tagName}\\s*%\\}`, "g");
    tag.lastIndex = tokens.index;
    let level = 1;
    for (let match = tag.exec(tokens.str); match !== null; match = tag.exec(tokens.str)) {
      level += match[1] === undefined ? 1 : -1;
      if (level > 0) continue;
      const text = tokens.str.slice(tokens.index, match.index);
      tokens.forwardN(match.index + match[0].length - tokens.index);
      const data = new nodes.TemplateData(begun.lineno, begun.colno, text);
      return new nodes.Output(begun.lineno, begun.colno, [data]);
    }
    return this.fail(`${tagName} is never closed`, begun.lineno, begun.colno);
  }
}

/** Parses one template; the error is its first syntax error, located. */
export function parseTemplate(name: string, source: string, options: ParseOptions): Result<Root, TemplateFault> {
  const { value: charsMax, code } = LIMITS.engine_source_chars_max;
  const start = { template: name, line: 1, column: 1 };
  if (source.length > charsMax) {
    const message = `the template has more than ${charsMax} characters`;
    return err(new TemplateFault({ code, message, action: "Split it and include the parts.", place: start }));
  }
  try {
    const instance = new TemplateParser(lexer.lex(source, options));
    instance.isJinja = options.isJinja;
    return ok(instance.parseAsRoot());
  } catch (error) {
    return err(syntaxFault(name, error));
  }
}

function syntaxFault(name: string, error: unknown): TemplateFault {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof RangeError) {
    const place = { template: name, line: 1, column: 1 };
    return new TemplateFault({
      code: "limit_depth",
      message: "the template is nested too deep",
      action: "Split it.",
      place,
    });
  }
  const { lineno, colno } = error as { lineno?: number; colno?: number };
  return new TemplateFault(
    {
      code: "syntax",
      message,
      action: "Correct the template; Nunjucks 3.2.4 is its language.",
      place: { template: name, line: lineno ?? 1, column: colno ?? 1 },
    },
    { cause: error },
  );
}
