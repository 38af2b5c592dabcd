import { expect, test } from "vitest";
import { checkUnits } from "#quadlet/check-units.ts";
import { cpuOf } from "../cpu.ts";

/** A unit as long as a file of a render may be is checked within this, whatever is in it. */
const CPU_MS_MAX = 4000;

const lines = (count: number, line: (n: number) => string) =>
  Array.from({ length: count }, (_, index) => `${line(index)}\n`).join("");
const container = (rest: string) => `[Container]\nImage=docker.io/library/x:1\n${rest}`;

const LONG_UNITS: Record<string, string> = {
  variables: container(lines(30_000, (n) => `Environment=A${n}=b`)),
  "unknown keys": container(lines(20_000, (n) => `Foo${n}=b`)),
  "unknown sections": container(lines(40_000, (n) => `[S${n}]`)),
  volumes: container(lines(20_000, (n) => `Volume=/a${n}:/b${n}`)),
  ports: container(lines(20_000, (n) => `PublishPort=${n + 1024}:80`)),
  networks: container(lines(20_000, (n) => `Network=n${n}.network`)),
  secrets: container(lines(20_000, (n) => `Secret=s${n},type=env,target=T${n}`)),
  dependencies: `[Unit]\n${lines(30_000, (n) => `After=u${n}.service`)}${container("")}`,
  words: container(`Environment=${"a=b ".repeat(200_000)}\n`),
  "quoted words": container(`Exec=${'"a b" '.repeat(150_000)}\n`),
  continuations: container(`Environment=${"a=b \\\n".repeat(150_000)}c=d\n`),
  quotes: container(`Exec=${'"'.repeat(900_000)}\n`),
  backslashes: container(`Exec=${"\\".repeat(900_000)}\n`),
};

test.each(Object.entries(LONG_UNITS))(
  "a long unit is checked in a time that its length explains: %s",
  (_name, text) => {
    expect(text.length).toBeLessThan(1_048_576);
    const { ms } = cpuOf(() => checkUnits([{ filename: "a.container", text }]), CPU_MS_MAX);
    expect(ms).toBeLessThan(CPU_MS_MAX);
  },
);
