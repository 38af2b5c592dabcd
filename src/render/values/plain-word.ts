/** What needs no quoting anywhere in a unit file (DESIGN 8). */
export function isPlainWord(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (IS_PLAIN[text.charCodeAt(i)] !== 1) return false;
  return true;
}

const IS_PLAIN = new Uint8Array(128);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/@,+=-")
  IS_PLAIN[char.charCodeAt(0)] = 1;
