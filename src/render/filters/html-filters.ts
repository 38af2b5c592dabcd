import { type Filter, optionalText, requireText } from "#render/filters/filter.ts";
import { likeInput, SafeString } from "#render/values/safe-string.ts";
import { escapeHtml, textOf } from "#render/values/text.ts";

const escape: Filter = (_run, input) =>
  input instanceof SafeString ? input : new SafeString(escapeHtml(textOf(input)));

const nl2br: Filter = (_run, input) => {
  if (input === null || input === undefined) return "";
  return likeInput(input, requireText("nl2br", input).replace(/\r\n|\n/g, "<br />\n"));
};

/** Text without tags and comments, in one pass: Nunjucks' pattern takes quadratic time on `<a<a<a`. */
function withoutTags(text: string): string {
  let result = "";
  let from = 0;
  const lastClose = text.lastIndexOf(">");
  for (let at = text.indexOf("<"); at !== -1 && at < lastClose;) {
    const end = tagEnd(text, at);
    if (end === -1) {
      at = text.indexOf("<", at + 1);
      continue;
    }
    result += text.slice(from, at);
    from = end;
    at = text.indexOf("<", end);
  }
  return result + text.slice(from);
}

function tagEnd(text: string, at: number): number {
  if (text.startsWith("<!--", at)) {
    const close = text.indexOf("-->", at + 4);
    return close === -1 ? -1 : close + 3;
  }
  let next = text[at + 1] === "/" ? at + 2 : at + 1;
  if (!/[a-z]/i.test(text[next] ?? "")) return -1;
  while (/[a-z0-9]/i.test(text[next] ?? "")) next++;
  if (text[next] === "_") return -1;
  const close = text.indexOf(">", next);
  return close === -1 ? -1 : close + 1;
}

const trimSpaces = (line: string) => {
  let start = 0;
  let end = line.length;
  while (line[start] === " ") start++;
  while (end > start && line[end - 1] === " ") end--;
  return line.slice(start, end);
};

const striptags: Filter = (run, input, { 0: keepLineBreaks }) => {
  const text = optionalText("striptags", input);
  run.charge(text.length >>> 3);
  const bare = withoutTags(text).trim();
  const result = keepLineBreaks
    ? bare
        .split("\n")
        .map(trimSpaces)
        .join("\n")
        .replace(/ +/g, " ")
        .replaceAll("\r\n", "\n")
        .replace(/\n\n\n+/g, "\n\n")
    : bare.replace(/\s+/g, " ");
  return likeInput(input, result);
};

const LEADING = /^(?:\(|<|&lt;)/;
const TRAILING = /(?:\.|,|\)|\n|&gt;)$/;
const EMAIL = /^[\w.!#$%&'*+\-/=?^`{|}~]+@[a-z\d-]+(\.[a-z\d-]+)+$/i;

const urlize: Filter = (run, input, { 0: length, 1: nofollow }) => {
  const text = requireText("urlize", input);
  run.charge(text.length >>> 2);
  const attribute = nofollow === true ? ' rel="nofollow"' : "";
  const chars = typeof length === "number" && !Number.isNaN(length) ? length : undefined;
  return text
    .split(/(\s+)/)
    .filter(Boolean)
    .map((word) => linkOf(word, chars, attribute))
    .join("");
};

function linkOf(word: string, chars: number | undefined, attribute: string): string {
  const url = word.replace(LEADING, "").replace(TRAILING, "");
  const label = chars === undefined ? url : url.slice(0, Math.max(0, chars));
  if (/^https?:\/\/.*$/.test(url)) return `<a href="${url}"${attribute}>${label}</a>`;
  if (url.startsWith("www.")) return `<a href="http://${url}"${attribute}>${label}</a>`;
  if (EMAIL.test(url)) return `<a href="mailto:${url}">${url}</a>`;
  if (/\.(?:org|net|com)(?::|\/|$)/.test(url)) return `<a href="http://${url}"${attribute}>${label}</a>`;
  return word;
}

export const htmlFilters: Record<string, Filter> = {
  e: escape,
  escape,
  forceescape: (_run, input) => new SafeString(escapeHtml(textOf(input))),
  nl2br,
  safe: (_run, input) => (input instanceof SafeString ? input : new SafeString(textOf(input))),
  striptags,
  urlize,
};
