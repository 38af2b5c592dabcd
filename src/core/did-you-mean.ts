/**
 * The candidate that a misspelt name most likely meant, or null when none is near (more than a third of its letters
 * differ). Distance is optimal string alignment: insert, delete, replace, or swap of two neighbours count one each.
 */
export function didYouMean(name: string, candidates: Iterable<string>): string | null {
  if (name.length > NAME_CHARS_MAX) return null;
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    if (candidate.length > NAME_CHARS_MAX || Math.abs(candidate.length - name.length) >= bestDistance) continue;
    const distance = candidate.toLowerCase() === name.toLowerCase() ? 0 : alignmentDistance(name, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Longer names get no suggestion: the comparison is quadratic, and nobody misspells 64 letters by one. */
const NAME_CHARS_MAX = 64;

/** Used again by each comparison: there may be hundreds of candidates for each of thousands of names. */
const newRow = () => new Uint8Array(NAME_CHARS_MAX + 1);
const ROWS = [newRow(), newRow(), newRow()] as const;

function alignmentDistance(a: string, b: string): number {
  let [beforeLast, last, row] = ROWS;
  for (let j = 0; j <= b.length; j++) last[j] = j;
  for (let i = 1; i <= a.length; i++) {
    const char = a.charCodeAt(i - 1);
    const before = i > 1 ? a.charCodeAt(i - 2) : -1;
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const other = b.charCodeAt(j - 1);
      const cost = char === other ? 0 : 1;
      let value = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (j > 1 && before === other && char === b.charCodeAt(j - 2))
        value = Math.min(value, (beforeLast[j - 2] ?? 0) + 1);
      row[j] = value;
    }
    [beforeLast, last, row] = [last, row, beforeLast];
  }
  return last[b.length] ?? 0;
}
