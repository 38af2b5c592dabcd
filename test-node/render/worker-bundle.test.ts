import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

/** The engine as a worker gets it: bundled, and run where code from strings is forbidden. */
const ENTRY = `
import { compilePack } from "#render/compile-pack.ts";
import { renderPack } from "#render/render-pack.ts";
import { analyzePack } from "#render/analyze-pack.ts";
import { lintPack } from "#render/lint-pack.ts";

let isForbidden = false;
try { Function("return 1")(); } catch { isForbidden = true; }
const template = "{% macro m(x) %}<{{ x | upper }}>{% endmacro %}{% for s in list %}{{ m(s) }}{% endfor %}{{ 'aab' | replace(r/a+/g, 'x') }}";
const pack = { format: 1, pack: "p", version: "1", name: "", description: "", podman: { min: "5.4", max: null },
  engine: { trim_blocks: true, lstrip_blocks: true }, outputs: [{ template: "t.j2", output: "t.txt" }], copies: [],
  schema: { type: "object", properties: { list: { type: "array" } } }, data: {}, files: { "t.j2": template }, migrations: [] };
const compiled = compilePack(pack);
const input = { decisions: { list: ["a", "b"] }, deploymentName: "d", marks: { sensitive: [], secretRefs: [] } };
const texts = [false, true].map((provenance) => renderPack(compiled.value, { ...input, provenance }).value.files[0].text);
const refused = renderPack(compiled.value, { ...input, decisions: {} }).error[0].code;
console.log(JSON.stringify({ isForbidden, texts, refused, findings: [...analyzePack(compiled.value).findings, ...lintPack(compiled.value)] }));
`;

test("the engine runs where code generation is forbidden, and brings none of Nunjucks", () => {
  const folder = mkdtempSync(join(tmpdir(), "engine-bundle-"));
  const root = join(import.meta.dirname, "../..");
  const entry = join(root, "src/render", `bundle-${process.pid}.ts`);
  const bundle = join(folder, "bundle.cjs");
  try {
    writeFileSync(entry, ENTRY);
    const esbuild = join(root, "node_modules/.bin/esbuild");
    const built = spawnSync(
      esbuild,
      [
        entry,
        "--bundle",
        "--format=cjs",
        "--platform=neutral",
        "--main-fields=module,main",
        "--conditions=worker,browser",
        `--outfile=${bundle}`,
      ],
      { encoding: "utf8" },
    );
    expect(built.stderr).not.toMatch(/error/i);
    expect(readFileSync(bundle, "utf8")).not.toMatch(/node_modules\/nunjucks/);
    const run = spawnSync(process.execPath, ["--disallow-code-generation-from-strings", bundle], { encoding: "utf8" });
    expect(JSON.parse(run.stdout)).toEqual({
      isForbidden: true,
      texts: ["<A><B>xb", "<A><B>xb"],
      refused: "undefined",
      findings: [],
    });
  } finally {
    rmSync(entry, { force: true });
    rmSync(folder, { recursive: true });
  }
});
