import type { BundleFile } from "#quadlet/load-units.ts";
import { keysOf, keySections } from "#quadlet/key-table.ts";
import { unitTypeOf } from "#quadlet/unit-names.ts";
import type { Random } from "./random.ts";

type Mutation = (lines: string[], random: Random) => string[];

const HOSTILE = [
  "",
  '""',
  "''",
  '"',
  "\\",
  "\\q",
  "a\\",
  '"open',
  'a "" b',
  "%i",
  "%%",
  "$HOME",
  "a b c",
  "ä",
  "=",
  "#x",
  "x # y",
  ".",
  ":",
  "/",
  "-",
  "x.volume",
  "x.network:ip=1.2.3.4",
  "x.pod",
  "x.image",
  "x.build",
  "x.container",
  "a.volume:/x",
  "type=bind",
  "type=volume,target=/x",
  "src=,target=/x,type=bind",
  'type=bind,src="a,target=/x',
  "99999",
  "80:80:80:80",
  "yes",
  "perhaps",
  "auto",
  "manual",
  "keep-id",
  "simple",
];

const at = (lines: readonly string[], random: Random) => random.below(Math.max(1, lines.length));

function changeValue(lines: string[], random: Random, change: (value: string) => string): string[] {
  const keys = lines.flatMap((line, index) => (/^[A-Za-z]/.test(line) && line.includes("=") ? [index] : []));
  if (keys.length === 0) return lines;
  const index = random.pick(keys);
  const line = lines[index] ?? "";
  const equals = line.indexOf("=") + 1;
  return lines.with(index, line.slice(0, equals) + change(line.slice(equals)));
}

function misspell(word: string, random: Random): string {
  const index = random.below(Math.max(1, word.length));
  switch (random.below(4)) {
    case 0:
      return word.slice(0, index) + word.slice(index + 1);
    case 1:
      return word.slice(0, index) + random.pick(["x", "S", "-", " "]) + word.slice(index);
    case 2:
      return word.toLowerCase();
    default:
      return word + "s";
  }
}

const insert = (lines: string[], random: Random, added: string) => lines.toSpliced(at(lines, random), 0, added);

const anyKey = (random: Random) => random.pick(keysOf(random.pick(keySections())));

/** One change each, from the harmless to what brings the whole folder down. */
const MUTATIONS: readonly Mutation[] = [
  (lines, random) => lines.toSpliced(at(lines, random), 1),
  (lines, random) => insert(lines, random, lines[at(lines, random)] ?? ""),
  (lines, random) => changeValue(lines, random, () => random.pick(HOSTILE)),
  (lines, random) => changeValue(lines, random, (value) => value + random.pick(HOSTILE)),
  (lines, random) => changeValue(lines, random, (value) => `"${value}"`),
  (lines, random) => changeValue(lines, random, (value) => misspell(value, random)),
  (lines, random) =>
    changeValue(lines, random, (value) => `${value} \\\n  ${random.pick(["more", "# note", "", "[Service]"])}`),
  (lines, random) => insert(lines, random, `${anyKey(random)}=${random.pick([...HOSTILE, "1", "value"])}`),
  (lines, random) =>
    insert(
      lines,
      random,
      random.pick(["[Service]", "[Container]", "[Unit]", "[container]", "[X-Any]", "[Quadlet]", "[", "[a]b", "[]"]),
    ),
  (lines, random) =>
    insert(lines, random, random.pick(["nonsense", "=x", "# note", "; note", "\\", " \\", "\ufeff", "key value"])),
  (lines, random) =>
    insert(
      lines,
      random,
      `[Service]\n${random.pick(["Type", "KillMode", "Restart"])}=${random.pick(["simple", "oneshot", "notify", "process", "mixed", "always", ""])}`,
    ),
  (lines, random) =>
    insert(
      lines,
      random,
      `[Unit]\n${random.pick(["After", "Requires", "Wants"])}=${random.pick(["x.container", "net.network", "net.network.service", "data-volume.service", "web.service"])}`,
    ),
  (lines, random) =>
    insert(
      lines,
      random,
      `[Quadlet]\n${random.pick(["DefaultDependencies=false", "DefaultDependencies=maybe", "Foo=1"])}`,
    ),
  (lines, random) => {
    const index = at(lines, random);
    const line = lines[index] ?? "";
    const equals = line.indexOf("=");
    return equals <= 0 ? lines : lines.with(index, misspell(line.slice(0, equals), random) + line.slice(equals));
  },
  (lines, random) => lines.with(at(lines, random), ` ${lines[0] ?? ""}`),
  (lines) => lines.map((line) => `${line}\r`),
  (lines, random) => lines.toSpliced(at(lines, random), 0, ...lines.slice(0, at(lines, random))),
];

/** One to three changes to a bundle: to the text of a unit, or to the set of files. */
export function mutateBundle(files: readonly BundleFile[], random: Random): BundleFile[] {
  let changed = [...files];
  for (let times = 1 + random.below(3); times > 0; times -= 1) {
    const index = random.below(changed.length);
    const file = changed[index];
    if (file === undefined) return changed;
    const kind = random.below(20);
    if (kind === 0 && changed.length > 1) changed = changed.toSpliced(index, 1);
    else if (kind === 1)
      changed = changed.with(index, {
        ...file,
        filename: `${random.pick(["other", "web", "x@y"])}.${file.filename.split(".").at(-1) ?? ""}`,
      });
    else if (unitTypeOf(file.filename) !== null || file.filename.endsWith(".conf")) {
      const text = random.pick(MUTATIONS)(file.text.split("\n"), random).join("\n");
      changed = changed.with(index, { ...file, text });
    }
  }
  return [...new Map(changed.map((file) => [file.filename, file])).values()];
}
