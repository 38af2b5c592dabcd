import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { ALL_CHECKS } from "#quadlet/checks/all-checks.ts";
import { checkUnits } from "#quadlet/check-units.ts";

const FIXTURES = path.join(import.meta.dirname, "checks");
const PAGES = path.join(import.meta.dirname, "../../docs/checks");
const codes = ALL_CHECKS.map((check) => check.code).toSorted();

/** Findings about what a render prints or rewrites; no unit alone can have them. */
const OF_RENDERS = ["key_down_levelled", "unit_unsafe_value"];

function bundle(folder: string) {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted();
  return names
    .filter((name) => statSync(path.join(folder, name)).isFile())
    .map((filename) => ({ filename, text: readFileSync(path.join(folder, filename), "utf8") }));
}

const targetOf = (code: string) => {
  const file = path.join(FIXTURES, code, "podman");
  return existsSync(file) ? readFileSync(file, "utf8").trim() : "5.4";
};

/** `error web.container:3:1`, one line per finding of the check. */
const expectedOf = (code: string) =>
  readFileSync(path.join(FIXTURES, code, "expected"), "utf8")
    .trim()
    .split("\n");

test("every check has a code of its own, a page and fixtures, and there are no others", () => {
  expect(new Set(codes).size).toBe(codes.length);
  expect(readdirSync(FIXTURES).toSorted()).toEqual(codes);
  expect(
    readdirSync(PAGES)
      .filter((name) => name !== "README.md")
      .toSorted(),
  ).toEqual([...codes, ...OF_RENDERS].toSorted().map((code) => `${code}.md`));
});

describe.each(codes)("%s", (code) => {
  const podmanTarget = targetOf(code);

  test("finds what its failing fixture has, and where", () => {
    const findings = checkUnits(bundle(path.join(FIXTURES, code, "fails")), { podmanTarget });
    const own = findings.filter((finding) => finding.code === code);
    expect(own.map(({ severity, place }) => `${severity} ${place?.file}:${place?.line}:${place?.column}`)).toEqual(
      expectedOf(code),
    );
    for (const finding of own) {
      expect(finding.message.length).toBeGreaterThan(20);
      expect(finding.action).not.toBe("");
      expect(finding.excerpt?.some((line) => line.number === finding.place?.line)).toBe(true);
    }
    const otherErrors = findings.filter((finding) => finding.severity === "error" && finding.code !== code);
    expect(otherErrors).toEqual([]);
  });

  test("finds nothing at all in its passing fixture", () => {
    expect(checkUnits(bundle(path.join(FIXTURES, code, "passes")), { podmanTarget })).toEqual([]);
  });

  test("its page shows both fixtures as they are", () => {
    const page = readFileSync(path.join(PAGES, `${code}.md`), "utf8").replaceAll(/^ {4}/gm, "");
    expect(page).toContain(`# ${code}: `);
    for (const kind of ["fails", "passes"]) {
      for (const { filename, text } of bundle(path.join(FIXTURES, code, kind))) {
        expect(page).toContain(`# ${filename}\n${text.replaceAll("\r", "").trimEnd()}\n`);
      }
    }
  });
});

test("rules reach [Quadlet] and drop-ins, and stay out of sections that nobody reads", () => {
  const files = [
    { filename: "web.container", text: "[Container]\nImage=docker.io/x/y:1\n[Quadlet]\nNope=1\n[X-Note]\nNope=1\n" },
    { filename: "web.container.d/10.conf", text: "[Container]\nReadOnly=perhaps\n[Service]\nNope=1\n" },
  ];
  expect(checkUnits(files).map(({ code, place }) => `${code} ${place?.file}:${place?.line}`)).toEqual([
    "key_unknown web.container:4",
    "bool_value web.container.d/10.conf:2",
    "systemd_key web.container.d/10.conf:4",
  ]);
});

test("a key that its section does not know is one finding, whatever else would be said about its value", () => {
  const text = "[Network]\nPublishPort=x\nReloadSignal=\n[Install]\nWantedBy=default.target\n";
  const codes = checkUnits([{ filename: "net.network", text }]).map((finding) => finding.code);
  expect(codes).toEqual(["key_unknown", "key_unknown"]);
});

test("a finding never repeats a secret, and neither does its neighbour's excerpt", () => {
  const text = "[Container]\nImage=caddy\nEnvironment=DB_PASSWORD=hunter2 TITLE=a b\nNoSuchKey=1\n";
  const findings = checkUnits([{ filename: "web.container", text }]);
  expect(findings.map((finding) => finding.code)).toEqual(
    expect.arrayContaining(["literal_secret", "keyval_word", "key_unknown"]),
  );
  expect(JSON.stringify(findings)).not.toContain("hunter2");
});
