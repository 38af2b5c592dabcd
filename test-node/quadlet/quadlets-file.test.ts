import { expect, test } from "vitest";
import { readQuadlets, writeQuadlets } from "#quadlet/quadlets-file.ts";

const FILES = [
  { filename: "web.container", text: "# note\n[Container]\nImage=docker.io/x/y:1\n" },
  { filename: "web.volume", text: "[Volume]\n" },
  { filename: "stack.network", text: "[Network]\nSubnet=10.89.0.0/24" },
];

test("joins units under their names, and reads them back", () => {
  const { text, findings } = writeQuadlets(FILES);
  expect(findings).toEqual([]);
  expect(text).toBe(`# FileName=stack
[Network]
Subnet=10.89.0.0/24
---
# FileName=web
# note
[Container]
Image=docker.io/x/y:1
---
# FileName=web
[Volume]
`);
  expect(readQuadlets(text)).toEqual([
    { filename: "stack.network", text: "[Network]\nSubnet=10.89.0.0/24\n" },
    FILES[0],
    FILES[1],
  ]);
});

test("says what the format has no place for", () => {
  const { text, findings } = writeQuadlets([
    ...FILES,
    { filename: "Caddyfile", text: ":80\n" },
    { filename: "web.container.d/1.conf", text: "" },
  ]);
  expect(text).not.toContain(":80");
  expect(findings.map((finding) => finding.place?.file)).toEqual(["Caddyfile", "web.container.d/1.conf"]);
});
