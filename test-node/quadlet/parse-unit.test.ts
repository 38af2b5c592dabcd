import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseUnit, placeInValue, printUnit, type UnitFile } from "#quadlet/parse-unit.ts";
import { splitWords } from "#quadlet/split-words.ts";
import { UnitView } from "#quadlet/unit-view.ts";

const assignments = (unit: UnitFile) => unit.nodes.filter((node) => node.type === "assignment");
const pairs = (text: string) => assignments(parseUnit("a.container", text)).map((node) => [node.key, node.value]);

describe("parseUnit", () => {
  test("prints every file back byte for byte", () => {
    const line = fc.oneof(
      fc.constantFrom(
        "[Container]",
        "[Unit",
        "# note",
        "; note",
        "",
        "  ",
        "\\",
        "Image=x \\",
        "Exec = a\\",
        "\ufeff[A]",
        "=x",
        "nonsense",
      ),
      fc.string({ maxLength: 12 }),
      fc.string({ maxLength: 12, unit: "binary" }),
    );
    const text = fc.tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom("\n", "\r\n"), fc.boolean());
    fc.assert(
      fc.property(text, ([lines, newline, hasLast]) => {
        const source = lines.join(newline) + (hasLast ? newline : "");
        const unit = parseUnit("a.container", source);
        expect(printUnit(unit)).toBe(source);
        expect(unit.nodes.every((node, index) => node.start === (unit.nodes[index - 1]?.end ?? 0))).toBe(true);
      }),
      { numRuns: 10_000 },
    );
  });

  test("joins continuations without a space and skips comments inside them", () => {
    expect(pairs("[Container]\nExec=a\\\n  # note\n\n  b \\\n  c\nImage=x\n")).toEqual([
      ["Exec", "ab c"],
      ["Image", "x"],
    ]);
  });

  test("keeps a trailing comment in the value, and takes white space off both ends only", () => {
    expect(pairs("[A]\n  Key  =  a  # b  \n")).toEqual([["Key", "a  # b"]]);
  });

  test("places every character of a continued value", () => {
    const [node] = assignments(parseUnit("a.container", "[A]\nKey = one \\\n   two\n"));
    expect(node?.value).toBe("one two");
    expect(node && placeInValue(node, 0)).toEqual({ line: 2, column: 7 });
    expect(node && placeInValue(node, 4)).toEqual({ line: 3, column: 4 });
    expect(node && placeInValue(node, 6)).toEqual({ line: 3, column: 6 });
  });

  test("marks what the generator cannot read, and reads on", () => {
    const unit = parseUnit("a.container", "Early=1\n[A\n[]\n[A]\nplain\n=x\nKey=1\nLost=\\\n# end\n");
    const reasons = unit.nodes.flatMap((node) => (node.type === "invalid" ? [node.reason] : []));
    expect(reasons).toEqual([
      "key_before_section",
      "unclosed_section",
      "invalid_section_name",
      "no_equals_sign",
      "empty_key",
      "lost_continuation",
    ]);
    expect(assignments(unit).map((node) => node.key)).toEqual(["Key"]);
  });
});

describe("UnitView", () => {
  const view = (text: string, podman = "5.4") => new UnitView([parseUnit("a.container", text)], podman);

  test("merges repeated sections and lets an empty assignment reset a list", () => {
    const unit = view("[A]\nL=1\nL=\nL=2\n[B]\nL=9\n[A]\nL=3\nS=x\nS=\n");
    expect(unit.all("A", "L").map((one) => one.value)).toEqual(["2", "3"]);
    expect(unit.string("A", "S")).toBe("");
    expect(unit.string("A", "T")).toBeNull();
  });

  test("cuts quotes off scalars as the version does", () => {
    expect(view('[A]\nS="a" "b"\n', "5.4").string("A", "S")).toBe('a" "b');
    expect(view('[A]\nS=echo "b"\n', "5.8.1").string("A", "S")).toBe('echo "b');
    expect(view('[A]\nS=echo "b"\n', "5.8.2").string("A", "S")).toBe('echo "b"');
    expect(view('[A]\nS="a b"\n', "5.8.2").string("A", "S")).toBe("a b");
  });

  test("lets a later KEY=VALUE win", () => {
    const found = view('[A]\nE=A=1 B="x y"\nE=A=2 FLAG\n').keyvals("A", "E");
    expect([...found].map(([key, { value }]) => [key, value])).toEqual([
      ["A", "2"],
      ["B", "x y"],
      ["FLAG", null],
    ]);
  });
});

describe("splitWords", () => {
  const words = (value: string, style: "args" | "words" = "args") =>
    splitWords(value, style).words.map((word) => word.text);

  test.each([
    ["a  b\tc", ["a", "b", "c"]],
    [`"a b"c 'd "e'`, ["a bc", 'd "e']],
    [String.raw`\x41\101\u00e9\s\"`, ['AA\u00e9 "']],
    ['a "" b', ["a"]],
    ["a b\\", ["a", "b"]],
    ['a "b c', ["a", "b c"]],
    [String.raw`a \q b`, []],
    [String.raw`a \x00`, []],
  ])("args of %s", (value, expected) => expect(words(value)).toEqual(expected));

  test("words keep backslashes and refuse an open quote", () => {
    expect(words(String.raw`a\nb "c d"`, "words")).toEqual([String.raw`a\nb`, "c d"]);
    expect(words('a "b c', "words")).toEqual([]);
  });

  test("says where each word begins and what is wrong", () => {
    expect(splitWords(' a "b c" d', "args").words.map((word) => word.offset)).toEqual([1, 3, 9]);
    expect(splitWords(String.raw`a \q`, "args").badEscapeAt).toBe(2);
    expect(splitWords('a ""', "args").emptyWordAt).toBe(2);
  });
});
