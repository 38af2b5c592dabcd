import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { readReleases } from "../tools/fixtures/fixture-release.ts";
import { type BuiltWorker, HOURLY, startBuiltWorker } from "./built-worker.ts";

const Rendered = z.object({ files: z.array(z.object({ filename: z.string(), path: z.string() })) });
const Created = z.object({ version: z.object({ version: z.int() }) });

describe("the built worker renders every fixture case to the bytes in its expected folder", () => {
  let built: BuiltWorker;
  let token: string;

  beforeAll(async () => {
    built = await startBuiltWorker();
    await built.cron(HOURLY);
    ({ token } = await built.signIn());
  });
  afterAll(() => built?.close());

  // A case's deployment is named after it, so the releases need namespaces of their own; some decisions of the cases
  // are allowed in staging only.
  test.each(readReleases())("$id", async ({ id, pack, cases }) => {
    const namespace = encodeURIComponent(`/staging/${id.replaceAll(/[./]/g, "-").toLowerCase()}`);
    const saved = [];
    for (const { name, configData, expected } of cases) {
      const created = await built.request("POST", `/configurations?namespace=${namespace}`, {
        token,
        body: {
          deployment_name: name,
          config_data: configData,
          pack: pack.pack,
          schema_version: pack.version,
          allow_deprecated: true,
        },
      });
      expect(created.status, `${name}: ${created.text}`).toBe(202);
      saved.push({ name, expected, version: Created.parse(created.json().data).version.version });
    }
    expect(saved.length).toBeGreaterThanOrEqual(4);
    for (const { name, expected, version } of saved) {
      const render = async () => (await built.request("GET", `/renders/${version}`, { token })).json().data;
      await expect.poll(render, { timeout: 60_000, interval: 200, message: name }).toMatchObject({ state: "rendered" });
      const answer = await built.request("GET", `/config/${version}`, { token });
      const texts = new Map<string, string>();
      for (const file of Rendered.parse(answer.json().data).files)
        texts.set(file.filename, (await built.request("GET", file.path, { token })).text);
      expect([...texts.keys()].toSorted(), name).toEqual([...expected.keys()].toSorted());
      for (const [filename, text] of texts) expect(text, `${name}/${filename}`).toBe(expected.get(filename));
    }
  });
});
