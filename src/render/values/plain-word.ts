import { CharSet, DIGITS, LETTERS } from "#render/values/char-set.ts";

const PLAIN = new CharSet(`${LETTERS}${DIGITS}._:/@,+=-`);

/** What needs no quoting anywhere in a unit file (DESIGN 8). */
export const isPlainWord = (text: string): boolean => PLAIN.hasAllOf(text);
