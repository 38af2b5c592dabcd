import { expect, test } from "vitest";
import { limitSignIn } from "#actions/limit-sign-ins.ts";
import { TokenScope } from "#core/permissions.ts";
import { mintToken } from "#core/token.ts";
import { fixtureCases, fixturePack } from "./fixture-packs.ts";
import { world } from "./world.ts";

const VERSION = "v1.1.0";
const DEVICES = 20;
const STATES = ["fetched", "written", "generated", "started", "healthy"] as const;

test("the largest fixture on twenty devices, all set up and changed within one hour, meets no default limit", async () => {
  const w = world();
  w.deps.settings = { ...w.deps.settings, RATE_LIMITS: {} };
  const { token, id, login } = await w.tenant();
  await w.admit(fixturePack(VERSION), VERSION);
  const largest = fixtureCases(VERSION).toSorted((a, b) => b.text.length - a.text.length)[0]!;
  const refused: string[] = [];
  const ask = async <T>(who: string, what: string, body?: unknown) => {
    const [method = "", path = ""] = what.split(" ");
    const answer = await w.request<T>(method, path, { token: who, ...(body !== undefined && { body }) });
    if (answer.status >= 300 && answer.status !== 304)
      refused.push(`${method} ${path}: ${answer.status} ${answer.body.error.code}`);
    return answer.body.data;
  };
  await ask(token, "POST /configurations", {
    deployment_name: "site",
    pack: w.name,
    config_data: JSON.parse(largest.text) as unknown,
    allow_deprecated: true,
  });
  await w.deliver();
  type Rendered = {
    version: number;
    manifest_sha256: string;
    manifest: { secrets: { name: string }[] };
    files: { path: string }[];
  };
  const first = await ask<Rendered>(token, "GET /config/latest");
  const secrets = first.manifest.secrets.map(({ name }) => name);
  for (const name of secrets) await ask(token, "POST /secrets/set", { name, value: "v" });

  for (let n = 0; n < DEVICES; n++) {
    await limitSignIn(w.deps, { userUuid: id, devicesOwned: DEVICES });
    const device = `device-${n}`;
    await w.tenant(login, device);
    const keys = {
      keys: w.deps.settings.TOKEN_SIGNING_KEYS,
      issuer: w.deps.settings.TOKEN_ISSUER,
      now: w.clock.now(),
    };
    const claims = { sub: id, dev: device, te: 0, ue: 0, jti: crypto.randomUUID() };
    const daemon = await mintToken(keys, { ...claims, scope: TokenScope.enum.legerd });
    for (let poll = 0; poll < 2; poll++) await ask(daemon, "GET /config/latest");
    if (n < 2) for (const { path } of first.files) await ask(daemon, `GET ${path}`);
    for (let round = 0; round < (n === 0 ? 6 : 1); round++)
      for (const name of secrets) await ask(daemon, `GET /secrets/get/${name}`);
    const boot_id = crypto.randomUUID();
    for (const [sequence, state] of STATES.entries())
      await ask(daemon, "POST /deployments/report", {
        boot_id,
        sequence: sequence + 1,
        version: first.version,
        manifest_sha256: first.manifest_sha256,
        state,
      });
  }
  console.log(JSON.stringify({ devices: DEVICES, files: first.files.length, secrets: secrets.length }));
  expect(refused).toEqual([]);
});
