import { applyPatch } from "diff";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { prepareDecisions, valueAt } from "#core/decisions.ts";
import type { Json, JsonObject } from "#core/json.ts";
import { leavesOf, valueOf, withValue } from "../test-node/fixtures/schema-decisions.ts";
import { fixtureCases, fixturePack } from "./fixture-packs.ts";
import { world } from "./world.ts";

type File = { filename: string; sha256: string; text: string; is_masked: boolean };
type Preview = {
  render: { state: string };
  unchanged: boolean;
  changes_summary: string;
  files: File[] | null;
  diff: { filename: string; change: string; unified: string }[];
};
type Saved = { unchanged: boolean; version: { version: number; changes_summary: string } };

const schemaOf = (release: string) =>
  JSON.parse(new TextDecoder().decode(fixturePack(release).get("schema.json"))) as JsonObject;

/**
 * Any value for any decision that may change: one of its type's own, or of those that the cases show, or none. (What cannot
 * change would only be refused, alike: life.test.ts.)
 */
function anyConfiguration(release: string): fc.Arbitrary<JsonObject> {
  const cases = fixtureCases(release).map(({ text }) => JSON.parse(text) as JsonObject);
  const free = leavesOf(schemaOf(release)).filter(({ node }) => node["x-confman-immutable"] !== true);
  const choices = free.map(({ path, node }) => {
    const own: Json[] = node["type"] === "boolean" ? [true, false] : ([node["enum"] ?? []].flat() as Json[]);
    const shown = cases.map((configData) => valueOf(configData, path)).filter((value) => value !== undefined);
    return fc.tuple(fc.constant(path), fc.option(fc.constantFrom(...own, ...shown), { nil: undefined }));
  });
  return fc.tuple(...choices).map((chosen) => {
    let configData: JsonObject = {};
    for (const [path, value] of chosen) if (value !== undefined) configData = withValue(configData, path, value);
    return configData;
  });
}

const MASK = /\[masked:[0-9a-f]{16}\]/g;
const MASKED = /\[masked:[0-9a-f]{16}\]/;
const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
/** Whether `shown` is `text` with parts of its lines masked. */
const isMaskOf = (shown: string, text: string) =>
  new RegExp(`^${shown.split(MASK).map(escaped).join("[^\\n]+")}$`).test(text);
const textsOf = (files: File[] | null) => new Map((files ?? []).map(({ filename, text }) => [filename, text]));
const digestsOf = (files: File[] | null) => (files ?? []).map(({ filename, sha256 }) => `${filename} ${sha256}`);

const RUNS = 25;

describe.each(["v1.0.0", "v1.1.0"])("over configurations generated from the schema of %s", (release) => {
  test("a preview names the digests that the save ships, shows that text masked, and its diff leads there", async () => {
    const w = world();
    const { token } = await w.tenant();
    const { slug } = await w.admit(fixturePack(release), release);
    const counts = { saved: 0, unchanged: 0, masked_files: 0 };
    let shownBefore = new Map<string, string>();

    const preview = (name: string, body: JsonObject) =>
      w.request<Preview>("POST", `/configurations/${name}/preview`, { token, body });
    const create = (name: string, body: JsonObject) =>
      w.request<Saved>("POST", "/configurations", { token, body: { ...body, deployment_name: name } });

    const holds = async (config_data: JsonObject) => {
      const body = { config_data, allow_deprecated: true };
      const previewed = await preview("home", body);
      expect(previewed.body.error).toBeUndefined();
      const shown = previewed.body.data;
      const edit = { token, headers: { "if-match": "*" }, body };
      const saved = (await w.request<Saved>("PUT", "/configurations/home", edit)).body.data;
      await w.deliver();
      const { version } = saved.version;
      const shipped = await w.request<{ manifest: { files: File[] } }>("GET", `/config/${version}`, { token });
      expect(shown.unchanged).toBe(saved.unchanged);
      expect(digestsOf(shown.files)).toEqual(digestsOf(shipped.body.data.manifest.files));
      expect(saved.unchanged || shown.changes_summary).toBe(saved.unchanged || saved.version.changes_summary);
      counts[saved.unchanged ? "unchanged" : "saved"]++;

      const prepared = prepareDecisions(schemaOf(release), config_data);
      const { effective, marks } = prepared.ok ? prepared.value : { effective: {}, marks: { sensitive: [] } };
      const secrets = marks.sensitive.map((at) => valueAt(effective, at)).filter((value) => value !== "");
      for (const file of shown.files ?? []) {
        const { body } = await w.request("GET", `/config/${version}/files/${file.filename}`, { token });
        const text = body as unknown as string;
        expect(isMaskOf(file.text, text), file.filename).toBe(true);
        expect(MASKED.test(file.text), file.filename).toBe(file.is_masked);
        for (const secret of secrets) expect(file.text, file.filename).not.toContain(secret);
        counts.masked_files += Number(file.is_masked);
      }
      const applied = new Map(shownBefore);
      for (const { filename, change, unified } of shown.diff) {
        if (change === "removed") applied.delete(filename);
        else applied.set(filename, applyPatch(applied.get(filename) ?? "", unified) || "the patch does not apply");
      }
      expect([...applied].toSorted()).toEqual([...textsOf(shown.files)].toSorted());
      shownBefore = textsOf(shown.files);
    };

    const initial = await preview("home", { config_data: {}, pack: slug });
    shownBefore = textsOf(initial.body.data.files);
    await create("home", { config_data: {}, pack: slug });
    await w.deliver();
    await fc.assert(fc.asyncProperty(anyConfiguration(release), holds), { numRuns: RUNS, seed: 7, endOnFailure: true });
    console.log(JSON.stringify({ release, previews: RUNS, ...counts }));
    expect(counts.saved + counts.unchanged).toBe(RUNS);
    expect(counts.masked_files).toBeGreaterThan(0);
  });
});
