import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { type FixtureCase, findingLines, readReleases } from "./fixtures/fixture-release.ts";
import { renderCase, rendererOf } from "./fixtures/render-case.ts";

/**
 * node tools/fixtures.ts [--write]
 *
 * Renders every case of every release in templates-fixtures with our engine, and says which files differ from the case's
 * expected/**, which it lacks and which nothing makes any more. Exit 1 if one does, or if a case does not render.
 * With --write it replaces expected/** by what was rendered instead.
 */
function main(): number {
  const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
  const problems: string[] = [];
  let files = 0;
  for (const release of readReleases()) {
    const renderer = rendererOf(release.pack);
    if (!renderer.ok) {
      problems.push(`${release.id} does not compile:\n${findingLines(renderer.error)}`);
      continue;
    }
    for (const fixture of release.cases) {
      const id = `${release.id}/cases/${fixture.name}`;
      const rendered = renderCase(renderer.value, fixture);
      if (!rendered.ok) {
        problems.push(`${id} does not render:\n${findingLines(rendered.error)}`);
        continue;
      }
      const texts = new Map(rendered.value.files.map(({ filename, text }) => [filename, text]));
      files += texts.size;
      const differences = differencesOf(fixture.expected, texts);
      if (values.write && differences.length > 0) {
        writeExpected(fixture, texts);
        console.log(`${id}: ${differences.length} of ${texts.size} files written`);
      } else problems.push(...differences.map((difference) => `${id}: ${difference}`));
    }
  }
  for (const problem of problems) console.error(problem);
  console.log(
    problems.length === 0 ? `${files} files as expected` : "Run with --write to take what is rendered now for right.",
  );
  return problems.length === 0 ? 0 : 1;
}

function differencesOf(expected: ReadonlyMap<string, string>, rendered: ReadonlyMap<string, string>): string[] {
  const gone = [...expected.keys()]
    .filter((file) => !rendered.has(file))
    .map((file) => `${file} is not rendered any more`);
  const others = [...rendered].flatMap(([file, text]) => {
    if (!expected.has(file)) return [`${file} is new`];
    return expected.get(file) === text ? [] : [`${file} differs`];
  });
  return [...gone, ...others];
}

function writeExpected({ directory }: FixtureCase, texts: ReadonlyMap<string, string>): void {
  const expected = path.join(directory, "expected");
  rmSync(expected, { recursive: true, force: true });
  mkdirSync(expected);
  for (const [file, text] of texts) writeFileSync(path.join(expected, file), text);
}

process.exitCode = main();
