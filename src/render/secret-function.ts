import { TemplateFault } from "#render/fault.ts";
import { type CallContext, HostFunction } from "#render/macro-function.ts";
import { CharSet, DIGITS, LETTERS } from "#render/values/char-set.ts";
import { bindKeywords } from "#render/values/keywords.ts";
import { Marked } from "#render/values/marked.ts";
import { toText } from "#render/values/operators.ts";
import { textOf } from "#render/values/text.ts";
import { SafeString } from "#render/values/safe-string.ts";

/** A secret that a rendered file needs to be there on the device; `file` is the output that names it. */
export type SecretRequirement = {
  name: string;
  type: "env" | "mount";
  target: string | null;
  required: boolean;
  file: string;
};

const PARAMETERS = ["name", "type", "target", "required"];
const SCHEMES = ["leger://", "keyvault://", "vault://", "env://"];
const WORD = new CharSet(`${LETTERS}${DIGITS}_`);
const PATH = new CharSet(`${LETTERS}${DIGITS}._/@:+=-`);
const NAME = new CharSet(`${LETTERS}${DIGITS}._-`);
const NAME_CHARS_MAX = 253;
const VARIABLE_START = new CharSet(`${LETTERS}_`);
const NAME_START = new CharSet(`${LETTERS}${DIGITS}`);
const SLASH = 47;
const isVariable = (text: string) => VARIABLE_START.hasAt(text, 0) && WORD.hasAllOf(text);
const isPlainPath = (text: string) => text !== "" && PATH.hasAllOf(text);

/** What a call of `secret` says of the secret beside its name; `suffix` is what stands behind the name in the file. */
type Wanted = Pick<SecretRequirement, "type" | "target" | "required"> & { readonly suffix: string };

function wantedSecret(context: CallContext, [kind = "env", target, required = true]: readonly unknown[]): Wanted {
  if (kind !== "env" && kind !== "mount") throw badSecret(context, "a secret is of type env or mount");
  const place = target === undefined || target === null ? null : textOf(target);
  if (place !== null && !(kind === "env" ? isVariable(place) : isPlainPath(place)))
    throw badSecret(
      context,
      kind === "env" ? "the target is not the name of a variable" : "the target is not a plain path",
    );
  const suffix = place === null ? `,type=${kind}` : `,type=${kind},target=${place}`;
  return { type: kind, target: place, required: Boolean(required), suffix };
}

function needSecret(context: CallContext, reference: unknown, wanted: Wanted): SafeString {
  const name = secretName(context, reference);
  const { type, target, required, suffix } = wanted;
  context.run.host.noteSecret?.({ name, type, target, required, file: "" });
  return new SafeString(name + suffix, true);
}

/**
 * `secret(name, type="env", target)`: the value of a `Secret=` key. The name is a bare name or a reference (`leger://NAME`, or the
 * schemes of the documents, whose last part is the name). The value of the secret is nowhere in sight.
 */
export const secretFunction = new HostFunction(
  (context, args) => {
    const [reference, ...rest] = bindKeywords(args, PARAMETERS);
    return needSecret(context, reference, wantedSecret(context, rest));
  },
  (site, rest) => {
    const wanted = wantedSecret(site, rest);
    return (context, reference) => needSecret(context, reference, wanted);
  },
);

/** A loop of its own, because a function for `some` would have to be made for each secret. */
function hasScheme(text: string): boolean {
  for (const scheme of SCHEMES) if (text.startsWith(scheme)) return true;
  return false;
}

/**
 * Where the name of a secret begins: 0 in a bare name, later in a reference, -1 where there is none. Walks from the end of the text,
 * because a name is what follows the last slash.
 */
function nameStart(text: string): number {
  let start = text.length;
  const earliest = text.length - NAME_CHARS_MAX - 1;
  while (start > 0 && start > earliest && NAME.hasAt(text, start - 1)) start--;
  const chars = text.length - start;
  if (chars === 0 || chars > NAME_CHARS_MAX || !NAME_START.hasAt(text, start)) return -1;
  return start === 0 || (text.charCodeAt(start - 1) === SLASH && hasScheme(text)) ? start : -1;
}

function secretName(context: CallContext, reference: unknown): string {
  const isMarked = reference instanceof Marked;
  if (isMarked && reference.kind === "sensitive") return reference.refuse();
  const text = toText(isMarked ? Marked.reveal(reference) : reference);
  const start = nameStart(text);
  if (start > 0 || (start === 0 && !isMarked)) return text.slice(start);
  throw new TemplateFault({
    code: isMarked ? "secret_literal" : "secret_name",
    message: isMarked
      ? `the decision ${reference.pointer} holds a literal value where a reference to a secret belongs`
      : "the name of a secret is made of letters, digits, dots, dashes and underscores",
    action: isMarked
      ? "Store the value with `leger secrets set NAME`, then write leger://NAME into the decision."
      : "Pass a bare name or leger://NAME.",
    place: context.place,
    decision: isMarked ? reference.pointer : undefined,
  });
}

const badSecret = (context: CallContext, message: string) =>
  new TemplateFault({
    code: "secret_arguments",
    message,
    action: 'Write secret("name", "env", "VARIABLE").',
    place: context.place,
  });
