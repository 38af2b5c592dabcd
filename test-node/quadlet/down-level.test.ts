import { describe, expect, test } from "vitest";
import { checkUnits } from "#quadlet/check-units.ts";
import { downLevel } from "#quadlet/down-level.ts";

const UNIT = `[Container]
Image=docker.io/library/caddy:2.8
Memory=512m
HttpProxy=no
Retry=3 \\
  0
AppArmor=my profile
HostName=web
`;

describe("downLevel", () => {
  const files = [{ filename: "web.container", text: UNIT }];

  test("writes newer keys as PodmanArgs, reports each, and keeps every line number", () => {
    const { files: written, findings } = downLevel(files, "5.4");
    expect(written[0]?.text).toBe(`[Container]
Image=docker.io/library/caddy:2.8
PodmanArgs="--memory=512m"
PodmanArgs="--http-proxy=false"
PodmanArgs="--retry=3 0"

PodmanArgs="--security-opt=apparmor=my profile"
HostName=web
`);
    expect(findings.map(({ code, severity, place }) => [code, severity, place?.line])).toEqual([
      ["key_down_levelled", "warning", 3],
      ["key_down_levelled", "warning", 4],
      ["key_down_levelled", "warning", 5],
      ["key_down_levelled", "warning", 7],
    ]);
    expect(checkUnits(written, { podmanTarget: "5.4" }).filter((finding) => finding.severity === "error")).toEqual([]);
    expect(checkUnits(files, { podmanTarget: "5.4" }).map((finding) => finding.code)).toContain("key_too_new");
  });

  test("changes nothing for a Podman that knows the keys, and nothing below 5.4", () => {
    expect(downLevel(files, "5.8")).toEqual({ files, findings: [] });
    expect(downLevel(files, "5.3")).toEqual({ files, findings: [] });
  });

  test("the last of two values counts, and a reset list says nothing", () => {
    const text = "[Container]\nImage=x.y/z:1\nMemory=1g\nMemory=2g\n";
    expect(downLevel([{ filename: "a.container", text }], "5.4").files[0]?.text).toBe(
      '[Container]\nImage=x.y/z:1\n\nPodmanArgs="--memory=2g"\n',
    );
    const pod = "[Pod]\nLabel=a=1\nLabel=\nLabel=b=2 c=3\n";
    expect(downLevel([{ filename: "a.pod", text: pod }], "5.4").files[0]?.text).toBe(
      '[Pod]\n\n\nPodmanArgs="--label=b=2" "--label=c=3"\n',
    );
  });

  test("a key without a flag stays, and the checks refuse it", () => {
    const image = [{ filename: "a.image", text: "[Image]\nImage=docker.io/x/y:1\nPolicy=missing\n" }];
    expect(downLevel(image, "5.4")).toEqual({ files: image, findings: [] });
    expect(checkUnits(image, { podmanTarget: "5.4" }).map((finding) => finding.code)).toContain("key_too_new");
  });
});
