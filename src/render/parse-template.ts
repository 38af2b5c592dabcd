import { LIMITS } from "#core/limits.ts";
import { type Result, err, ok } from "#core/result.ts";
import { TemplateFault } from "#render/fault.ts";
import { SyntaxFault } from "#render/parse/scanner.ts";
import { type ParsedTemplate, type ParseOptions, TemplateParser } from "#render/parse/template-parser.ts";

export type { ParsedTemplate, ParseOptions } from "#render/parse/template-parser.ts";

/** Parses one template; the error is its first syntax error, located. */
export function parseTemplate(
  name: string,
  source: string,
  options: ParseOptions,
): Result<ParsedTemplate, TemplateFault> {
  const { value: charsMax, code } = LIMITS.engine_source_chars_max;
  const start = { template: name, line: 1, column: 1 };
  if (source.length > charsMax) {
    const message = `the template has more than ${charsMax} characters`;
    return err(new TemplateFault({ code, message, action: "Split it and include the parts.", place: start }));
  }
  try {
    return ok(new TemplateParser(source, options).parse());
  } catch (error) {
    if (error instanceof SyntaxFault) return err(syntaxFault(name, error));
    if (!(error instanceof RangeError)) throw error;
    const details = {
      code: "limit_depth",
      message: "the template is nested too deep",
      action: "Split it.",
      place: start,
    };
    return err(new TemplateFault(details, { cause: error }));
  }
}

const syntaxFault = (template: string, { message, lineno, colno }: SyntaxFault) =>
  new TemplateFault({
    code: "syntax",
    message,
    action: "Correct the template; Nunjucks 3.2.4 is its language.",
    place: { template, line: lineno + 1, column: colno + 1 },
  });
