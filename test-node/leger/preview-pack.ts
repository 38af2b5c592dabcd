import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { z } from "zod";
import type { Machine } from "../../tools/tour/local-stack.ts";
import { packArchive } from "../../tools/upstreams/pack-archive.ts";

const Candidate = z.object({ digest: z.string() });

/** An operator's machine previews a small pack, asks what it would do, and is told what is wrong with another. Its digest. */
export async function previewPack(alice: Machine): Promise<string> {
  const bytes = (text: string) => ({ bytes: new TextEncoder().encode(text), mode: "100644" as const });
  const port = { type: "integer", minimum: 1, maximum: 65535, default: 8080 };
  const files = new Map([
    ["schema.json", bytes(JSON.stringify({ type: "object", properties: { port } }))],
    [
      "templates/web.container.j2",
      bytes("[Container]\nImage=docker.io/library/caddy:2.10.0\nPublishPort={{ port }}:80\n"),
    ],
  ]);
  const archive = path.join(alice.env.XDG_CONFIG_HOME, "tiny.tar.gz");
  writeFileSync(archive, await packArchive(files));
  const preview = (...more: string[]) =>
    alice.leger(["schema", "preview", archive, "--pack", "tiny", "--as", "v1.0.0", ...more]);
  const said = await preview();
  expect([said.code, said.stderr]).toEqual([0, ""]);
  expect(said.stdout).toMatch(/tiny v1\.0\.0 would be ready; \d+ configurations were tried\./);
  const { digest } = Candidate.parse(JSON.parse((await preview("--json")).stdout));
  const impact = await alice.leger(["schema", "impact", "v1.0.0", "--pack", "tiny", "--candidate", digest]);
  expect([impact.code, impact.stdout]).toEqual([0, expect.stringContaining("tiny v1.0.0: ")]);
  const admitted = await alice.leger(["schema", "impact", "v1.1.0"]);
  expect([admitted.code, admitted.stdout]).toEqual([0, expect.stringContaining("leger v1.1.0: ")]);
  expect((await alice.leger(["schema", "impact", "v7.0.0"])).stderr).toContain("There is no schema version v7.0.0.");
  writeFileSync(archive, "no archive");
  expect((await preview()).stderr).toContain("pack_archive");
  expect((await alice.leger(["schema", "preview", "nothing.tar.gz", "--as", "v1.0.0"])).code).toBe(2);
  return digest;
}
