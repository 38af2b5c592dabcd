import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createTwoFilesPatch } from "diff";
import type { Upstreams } from "../upstreams/start-upstreams.ts";
import { type ApiClient, apiClient } from "./api-client.ts";
import { type LocalWorker, ROOT } from "./local-worker.ts";
import { releaseStory, restoreReleases } from "./release-story.ts";
import { bytes, screen } from "./screen.ts";

export const DEPLOYMENT = "openwebui";
export const ALICE = {
  user_id: "u123456789",
  login_name: "alice@github",
  device_id: "9876543201",
  device_hostname: "alice-laptop",
  tailnet: "example.ts.net",
};

type Schema = { pack: string; version: string; status: string; pack_digest: string; podman: { min: string } };
type Saved = { version: { version: number; changes_summary: string | null }; unchanged: boolean };
type Render = { state: string; failure: { message: string } | null };
type ManifestFile = { filename: string; size: number; sha256: string };
type Config = {
  version: number;
  manifest_sha256: string;
  manifest: {
    services: { name: string; image?: string; ports: string[] }[];
    secrets: { name: string }[];
    volumes: unknown[];
    files: ManifestFile[];
  };
  files: (ManifestFile & { path: string })[];
};

/**
 * The main job, told while it happens: releases, sign-in, two saves, a diff, what a device gets, and what two further releases mean.
 * Answers the token.
 */
export async function tour(worker: LocalWorker, upstreams: Upstreams): Promise<string> {
  const anonymous = apiClient(worker.url);
  screen.step(1, "Sign in, as a device of a tailnet does");
  const identity = { tailscale: ALICE, cli_version: "0.2.0" };
  const { token, user, expires_in } = await anonymous.call<{
    token: string;
    user: { display_name: string; tailscale_email: string };
    expires_in: number;
  }>("POST", "/auth/cli", { body: identity });
  const api = anonymous.withToken(token);
  screen.done(
    `${user.display_name} (${user.tailscale_email}) on ${ALICE.device_hostname}; the token is good for ${expires_in / 86_400} days`,
  );

  screen.step(2, "Releases of the template pack, synced from GitHub's API (here: a local stand-in for github.com)");
  const isTold = await restoreReleases({ api, upstreams });
  const schemas = await screen.waiting("the hourly cron syncs the registry", async () => {
    await worker.playCron("7 * * * *");
    return (await api.call<{ schemas: Schema[] }>("GET", "/schemas")).schemas;
  });
  screen.rows(
    schemas.map((schema) => [
      schema.pack,
      schema.version,
      schema.status,
      `Podman ${schema.podman.min}+`,
      `sha256:${schema.pack_digest.slice(0, 12)}`,
    ]),
  );

  screen.step(3, "Save a configuration: document 000's example, as it stands");
  const decisions = JSON.parse(
    readFileSync(path.join(ROOT, "templates-fixtures/leger/v1.0.0/cases/document-000/config.json"), "utf8"),
  ) as Decisions;
  const first = await saveAndRender(api, decisions);
  const before = await api.call<Config>("GET", `/config/${first}`);
  screen.rows(before.files.map((file) => [file.filename, bytes(file.size), file.sha256.slice(0, 12)]));

  screen.step(4, "Change two decisions: OpenWebUI moves to port 3001, and Redis comes along");
  const changed = structuredClone(decisions);
  changed.networking.external_ports.openwebui = 3001;
  changed.services.enable_redis = true;
  const second = await saveAndRender(api, changed);
  const after = await api.call<Config>("GET", `/config/${second}`);
  await showDifference(api, before, after);

  screen.step(5, "What a device gets");
  await showDevice(api);
  if (isTold) {
    screen.line();
    screen.dim(
      "What releases do to deployments was told at an earlier start; npm run demo tells it again, on fresh state.",
    );
  } else await releaseStory({ api, worker, upstreams });
  return token;
}

type Decisions = { networking: { external_ports: { openwebui: number } }; services: { enable_redis: boolean } };

/** Creates the deployment, or saves over it where an earlier `npm start` made it. Answers the version. */
async function saveAndRender(api: ApiClient, config_data: Decisions): Promise<number> {
  const startedAt = Date.now();
  const exists = (await api.send("GET", `/configurations/${DEPLOYMENT}`)).status === 200;
  const saved = exists
    ? await api.call<Saved>("PUT", `/configurations/${DEPLOYMENT}`, {
        body: { config_data },
        headers: { "if-match": "*" },
      })
    : await api.call<Saved>("POST", "/configurations", {
        body: { deployment_name: DEPLOYMENT, schema_version: "v1.0.0", config_data },
      });
  const { version, changes_summary } = saved.version;
  screen.done(
    saved.unchanged
      ? `version ${version} has this content already`
      : `version ${version} saved; ${changes_summary ?? "no summary"}`,
  );
  const render = await screen.waiting("the queue's consumer renders it", async () => {
    for (;;) {
      const state = await api.call<Render>("GET", `/renders/${version}`);
      if (state.state !== "queued" && state.state !== "rendering") return state;
      await sleep(50);
    }
  });
  if (render.state !== "rendered") throw new Error(`version ${version} is ${render.state}: ${render.failure?.message}`);
  screen.done(`rendered, checked and stored in ${screen.seconds(startedAt)}`);
  return version;
}

async function showDifference(api: ApiClient, before: Config, after: Config): Promise<void> {
  const names = [...new Set([...before.files, ...after.files].map(({ filename }) => filename))].toSorted();
  const sha = (config: Config, name: string) => config.files.find(({ filename }) => filename === name)?.sha256;
  const changed = names.filter((name) => sha(before, name) !== sha(after, name));
  screen.line(
    `${changed.length} of ${names.length} files change; the other ${names.length - changed.length} are byte-identical, so their services are left alone.`,
  );
  for (const name of changed) {
    const [old, next] = await Promise.all(
      [before, after].map(async (config) =>
        sha(config, name) === undefined ? "" : (await api.send("GET", `/config/${config.version}/files/${name}`)).text,
      ),
    );
    screen.line();
    screen.line(old === "" ? `${name} (new)` : next === "" ? `${name} (gone)` : name);
    screen.patch(createTwoFilesPatch(name, name, old ?? "", next ?? "", undefined, undefined, { context: 2 }));
  }
}

const LATEST = `/config/latest?deployment=${DEPLOYMENT}`;

async function showDevice(api: ApiClient): Promise<void> {
  const answer = await api.send("GET", LATEST);
  const latest = (JSON.parse(answer.text) as { data: Config }).data;
  const etag = answer.headers.get("etag") ?? "";
  screen.done(`GET /config/latest answers version ${latest.version}, ETag ${etag}`);
  let verified = 0;
  for (const file of latest.files) {
    const { text } = await api.send("GET", file.path);
    if (createHash("sha256").update(text).digest("hex") !== file.sha256)
      throw new Error(`${file.filename} does not match its digest`);
    verified++;
  }
  screen.done(`${verified} files fetched, every sha256 verified against the manifest`);
  screen.rows(latest.manifest.services.map(({ name, image, ports }) => [name, image ?? "", ports.join(" ")]));
  const secrets = [...new Set(latest.manifest.secrets.map(({ name }) => name))];
  screen.line(`${latest.manifest.volumes.length} volumes; secrets it must have: ${secrets.join(", ") || "none"}`);
  const again = await api.send("GET", LATEST, { headers: { "if-none-match": etag } });
  screen.done(`the next poll: ${again.status}, ask again in ${again.headers.get("retry-after")} s`);
}
