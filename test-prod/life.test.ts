import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BuiltWorker, HOURLY, MINUTELY, startBuiltWorker } from "./built-worker.ts";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const UNIT = "[Container]\nImage=docker.io/library/caddy:2.8\n";

function form(files: Record<string, string>): FormData {
  const made = new FormData();
  for (const [name, text] of Object.entries(files)) made.append("files", new Blob([text]), name);
  return made;
}

// The multipart parser, the diff and the traced render of a preview, where code from strings is forbidden.
describe("the built worker", () => {
  let built: BuiltWorker;
  let token: string;

  beforeAll(async () => {
    built = await startBuiltWorker();
    ({ token } = await built.signIn());
    await built.cron(HOURLY);
  });
  afterAll(() => built?.close());

  test("takes a multipart upload from an ordinary client and ships its bytes", async () => {
    const answer = await built.request("POST", "/config/upload?deployment=mine", {
      token,
      form: form({ "web.container": UNIT, "big.txt": "x".repeat(1_048_576) }),
    });
    expect(answer.text).toContain('"success":true');
    for (let tries = 0; tries < 50; tries++) {
      const state = (await built.request("GET", "/renders/1", { token })).json().data["state"];
      if (state === "rendered") break;
      await built.cron(MINUTELY);
    }
    const file = await built.request("GET", "/config/1/files/web.container", { token });
    expect([file.status, sha256(file.text)]).toEqual([200, sha256(UNIT)]);
    const bad = await built.request("POST", "/config/upload?deployment=other", {
      token,
      form: form({ "big.txt": "x".repeat(1_048_577) }),
    });
    expect([bad.status, bad.json().error.code]).toEqual([413, "upload_file_too_large"]);
  });

  test("previews a configuration, and the same connection goes on after an upload that nobody read", async () => {
    const unread = await built.request("POST", "/config/upload", {
      token,
      form: form({ "web.container": UNIT.repeat(20_000) }),
    });
    expect(unread.status).toBe(400);
    const preview = await built.request("POST", "/configurations/home/preview", { token, body: { config_data: {} } });
    expect(preview.status).toBe(200);
    expect(preview.json().data).toMatchObject({ render: { state: "rendered" }, against: null });
  });
});
