import { expect, test } from "vitest";
import { checkPrinted } from "#quadlet/check-printed.ts";

/** Marks printed values as «value» and gives the text without the marks, with their spans. */
function printed(marked: string) {
  const spans: { start: number; end: number }[] = [];
  let text = "";
  for (const part of marked.split(/(«[^»]*»)/)) {
    const value = part.startsWith("«") ? part.slice(1, -1) : part;
    if (part.startsWith("«")) spans.push({ start: text.length, end: text.length + value.length });
    text += value;
  }
  return checkPrinted("web.container", text, spans).map(({ code, place }) => `${code} ${place?.line}:${place?.column}`);
}

test("plain values pass, and inner spaces where nothing splits at them", () => {
  expect(
    printed("[Unit]\nDescription=«My stack»\n[Container]\nImage=docker.io/x/«y»:«1.2»\nHostName=«a b»\n# «a b»\n"),
  ).toEqual([]);
});

test.each([
  ["[Container]\nEnvironment=A=«x y»\n", "2:15"],
  ["[Container]\nHostName=«a\n[Service]\nExecStartPre=/bin/evil»\n", "2:10"],
  ["[Container]\nHostName=« a»\n", "2:10"],
  ['[Container]\nExec=run «"x»\n', "2:10"],
  ["[Container]\nExec=run «%h»\n", "2:10"],
  ["[Container]\nExec=run «x\\»\nImage=a\n", "2:10"],
])("%j is refused where it stands", (marked, place) => {
  expect(printed(marked)).toEqual([`unit_unsafe_value ${place}`]);
});

test("other outputs are not units", () => {
  expect(checkPrinted("Caddyfile", '"', [{ start: 0, end: 1 }])).toEqual([]);
});
