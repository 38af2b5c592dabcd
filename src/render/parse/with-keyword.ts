import type { FunCall, KeywordArgs, Pair } from "#render/ast.ts";

/** A call with one more keyword argument: `{% call %}` hands its body to the macro as `caller`. */
export function withKeyword(call: FunCall, pair: Pair): FunCall {
  const last = call.args.children.at(-1);
  const known = last?.typename === "KeywordArgs" ? last : null;
  const { lineno, colno } = pair;
  const keywords: KeywordArgs =
    known === null
      ? { typename: "KeywordArgs", lineno, colno, children: [pair] }
      : { ...known, children: [...known.children, pair] };
  const positional = known === null ? call.args.children : call.args.children.slice(0, -1);
  return { ...call, args: { ...call.args, children: [...positional, keywords] } };
}
