import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { countImpact } from "#actions/count-impact.ts";
import { syncRepository } from "#registry/sync-repository.ts";
import { DECISIONS, FIRST } from "./impact-packs.ts";
import { control } from "./upstream-control.ts";
import { world } from "./world.ts";

let repositories = 0;

export type ImpactBody = {
  state: string;
  progress: number;
  counts: Record<string, number | null> | null;
  totals: { configurations: number; seen: number } | null;
  configurations: { name: string; class: string; text: string; detail: Record<string, unknown> }[];
  next_cursor: string | null;
  candidate: { digest: string } | null;
};

export const NONE = { identical: 0, changed: 0, restarts: 0, data_risk: 0, needs_input: 0, fails: 0 };

/** A registry with v1.0.0 of the pack, released over HTTP, an operator, and tenants whose deployments run it. */
export async function impactWorld() {
  const w = world();
  w.clock.at = new Date();
  const repository = `tests/impact-${++repositories}`;
  const operatorLogin = `operator-${w.name}@example.com`;
  await control("addRepository", { fullName: repository });
  w.deps.settings = {
    ...w.deps.settings,
    PACK_REPOSITORIES: { [w.name]: repository },
    OPERATOR_LOGINS: [operatorLogin],
  };
  const operator = await w.tenant(operatorLogin, "op");
  const sync = async () => {
    w.clock.advance(3600);
    return syncRepository(w.deps, { pack: w.name, repository });
  };
  const release = async (tag: string, files: Record<string, string>) => {
    await control("publishRelease", { repository, tag, files });
    return sync();
  };
  expect((await release("v1.0.0", FIRST)).admitted).toEqual(["v1.0.0"]);

  type Deployment = { decisions?: object | undefined; namespace?: string; schema_version?: string };
  const deploy = async (token: string, deployment_name: string, deployment: Deployment = {}) => {
    const { namespace = "/", decisions: config_data = {}, ...more } = deployment;
    const body = { deployment_name, pack: w.name, schema_version: "v1.0.0", config_data, ...more };
    expect(await w.request("POST", `/configurations?namespace=${namespace}`, { token, body })).toMatchObject({
      status: 202,
    });
  };
  /** Somebody with one deployment of each class that is asked for. */
  const neighbour = async (name: string, classes = Object.keys(DECISIONS)) => {
    const tenant = await w.tenant(`${name}-${w.name}@example.com`, name);
    for (const kind of classes) await deploy(tenant.token, `${name}-${kind}`, { decisions: DECISIONS[kind] });
    await w.deliver();
    return tenant;
  };
  const path = (version: string, query = "") => `/schemas/${version}/impact?pack=${w.name}${query}`;
  const read = async (token: string, version = "v2.0.0", query = "") =>
    (await w.request<ImpactBody>("GET", path(version, query), { token })).body.data;
  /** Runs of the sweep until nothing is left. */
  const count = async () => {
    for (let run = 0; run < 20; run++) {
      await countImpact(w.deps);
      const left = await env.DB.prepare("SELECT COUNT(*) AS n FROM impact_jobs WHERE pack = ? AND state = 'running'")
        .bind(w.name)
        .first<{ n: number }>();
      if (left?.n === 0) return;
      w.clock.advance(121);
    }
    throw new Error("the impact was not counted");
  };
  type Sent = { version?: string; token?: string; type?: string };
  const preview = (bytes: Uint8Array | string, { version = "v2.0.0", token, type = "application/gzip" }: Sent = {}) =>
    w.api.request(
      `/schemas/preview?pack=${w.name}&version=${version}`,
      {
        method: "POST",
        headers: { authorization: `Bearer ${token ?? operator.token}`, "content-type": type },
        body: bytes as BodyInit,
      },
      env,
    );
  return { w, operator, repository, release, sync, deploy, neighbour, read, path, count, preview };
}
