import { inspect } from "node:util";
import { expect, test } from "vitest";
import { logTo } from "#core/log.ts";
import { Secret } from "#core/secret.ts";

test("a Secret prints as [secret] everywhere", () => {
  const secret = Secret.ofText("canary");
  const lines: string[] = [];
  logTo((line) => lines.push(line))("test.printed", { reason: secret as unknown as string });
  const printed = [
    String(secret),
    `${secret as unknown as string}`,
    JSON.stringify({ secret }),
    JSON.stringify(secret),
    inspect(secret),
    inspect({ deep: [secret] }),
    "" + (secret as unknown as string),
    Object.prototype.toString.call(secret),
    JSON.stringify(Object.assign({}, secret)),
    String(Object.values(secret)),
    structuredCloneText(secret),
    new Error("cause", { cause: secret }).message,
    ...lines,
  ];
  for (const text of printed) expect(text).not.toContain("canary");
  expect(printed[0]).toBe("[secret]");
  expect(printed[2]).toBe('{"secret":"[secret]"}');
  expect(printed[4]).toBe("[secret]");
});

function structuredCloneText(value: unknown): string {
  return JSON.stringify(structuredClone(value));
}
