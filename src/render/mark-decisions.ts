import { isJsonObject, type Json, type JsonObject, pointerToken } from "#core/json.ts";
import { Marked, type MarkKind } from "#render/values/marked.ts";

export type Marks = { readonly sensitive: readonly string[]; readonly secretRefs: readonly string[] };

/**
 * The decisions with their marked values closed up in `Marked`; what is not marked is shared, not copied. Empty values stay
 * as they are: they reveal nothing, and a template must be able to test them.
 */
export function markDecisions(
  decisions: JsonObject,
  marks: Marks,
  isSensitiveOutput: boolean,
): Record<string, unknown> {
  let marked: unknown = decisions;
  for (const pointer of marks.secretRefs)
    marked = markAt(marked, tokensOf(pointer), { kind: "secret_ref", pointer: "" });
  if (!isSensitiveOutput) {
    for (const pointer of marks.sensitive)
      marked = markAt(marked, tokensOf(pointer), { kind: "sensitive", pointer: "" });
  }
  return marked as Record<string, unknown>;
}

const tokensOf = (pointer: string): string[] =>
  pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));

type Mark = { readonly kind: MarkKind; readonly pointer: string };

function markAt(value: unknown, tokens: readonly string[], mark: Mark): unknown {
  const [token, ...rest] = tokens;
  if (token === undefined) return markAll(value as Json, mark);
  const pointer = `${mark.pointer}/${pointerToken(token)}`;
  if (Array.isArray(value)) {
    const index = Number(token);
    if (!(index in value)) return value;
    return value.with(index, markAt(value[index], rest, { ...mark, pointer }));
  }
  if (!isJsonObject(value) || !Object.hasOwn(value, token)) return value;
  return { ...value, [token]: markAt(value[token], rest, { ...mark, pointer }) };
}

function markAll(value: unknown, mark: Mark): unknown {
  if (value instanceof Marked || !value) return value;
  if (Array.isArray(value)) {
    return value.map((item, index) => markAll(item, { ...mark, pointer: `${mark.pointer}/${index}` }));
  }
  if (!isJsonObject(value)) return new Marked(value, mark);
  const entries = Object.entries(value).map(([key, item]) => {
    return [key, markAll(item, { ...mark, pointer: `${mark.pointer}/${pointerToken(key)}` })] as const;
  });
  return Object.fromEntries(entries);
}
