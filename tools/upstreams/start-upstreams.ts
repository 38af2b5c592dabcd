import { z } from "zod";
import { signedAssetUrl, storageSurface, webSurface } from "./asset-storage.ts";
import { call } from "./control-call.ts";
import { githubControl, openRepository } from "./control-github.ts";
import { controlSurface } from "./control-surface.ts";
import { tailscaleControl } from "./control-tailscale.ts";
import { FaultInput, Faults } from "./faults.ts";
import { GithubPrincipals, LOCAL_GITHUB_TOKEN, type AppSpec, type TokenSpec } from "./github-principals.ts";
import { githubSurface } from "./github-surface.ts";
import type { GithubWorld, RepositorySpec } from "./github-world.ts";
import { IdTokenIssuer } from "./id-tokens.ts";
import { jsonAnswer, type Surface } from "./http-kernel.ts";
import { listen } from "./http-server.ts";
import { RateLimit } from "./rate-limit.ts";
import { RequestLog } from "./request-log.ts";
import { seedTailnets } from "./seed-tailnets.ts";
import type { Tailnet } from "./tailnet.ts";
import { KEY_SET_PATH, tailscaleSurface, type TailscaleWorld } from "./tailscale-surface.ts";
import { Webhooks } from "./webhooks.ts";

export type UpstreamsOptions = {
  /** Folder with `<pack-slug>/<version>/{pack/**, release.json}`. */
  readonly fixtures: string;
  /** Absent or 0: a free port. */
  readonly port?: number;
  /** Absent: `leger-run/leger-templates` with all versions of the folder `leger`. */
  readonly repositories?: readonly RepositorySpec[];
  /** Absent: the two of `seedTailnets`. */
  readonly tailnets?: readonly Tailnet[];
  /** Absent: `LOCAL_GITHUB_TOKEN`, which reads everything. Any other token is a bad credential. */
  readonly tokens?: readonly TokenSpec[];
  readonly apps?: readonly AppSpec[];
  readonly now?: () => Date;
};

/** The repository of our own packs. */
export const TEMPLATES = { fullName: "leger-run/leger-templates", fixtures: "leger" };
export const DEFAULT_REPOSITORIES: readonly RepositorySpec[] = [TEMPLATES];

export type Control = ReturnType<typeof makeControl>;
export type Upstreams = {
  readonly url: string;
  /** Base address of the GitHub API: `baseUrl` of Octokit. */
  readonly githubUrl: string;
  /** What stands for the Tailscale API's host: its paths begin with `/api/v2`. */
  readonly tailscaleUrl: string;
  /** `iss` of the id-tokens that the control call mints, and where their keys are. */
  readonly idTokenIssuer: string;
  readonly idTokenJwksUrl: string;
  readonly control: Control;
  close(): Promise<void>;
};

/**
 * Starts the services that Leger calls, on one loopback port: GitHub's REST API for releases over a folder of packs,
 * Tailscale's devices and users API, and a control surface. All state is in memory and begins anew with each start;
 * commits, archives and digests of the same fixtures are the same on every machine. Fails when a fixture cannot be read
 * or the port is taken.
 */
export async function startUpstreams(options: UpstreamsOptions): Promise<Upstreams> {
  const now = options.now ?? (() => new Date());
  const world: GithubWorld = {
    fixturesRoot: options.fixtures,
    now,
    repositories: [],
    nextId: 1000,
    countsDownloads: false,
    treeEntriesMax: 100_000,
  };
  for (const spec of options.repositories ?? DEFAULT_REPOSITORIES) await openRepository(world, spec);
  const tailnets = structuredClone([...(options.tailnets ?? seedTailnets(now()))]);
  const principals = new GithubPrincipals({
    tokens: [...(options.tokens ?? [{ token: LOCAL_GITHUB_TOKEN }])],
    apps: [...(options.apps ?? [])],
    now,
  });
  return serve({ world, tailnets, principals, now, port: options.port ?? 0 });
}

type Parts = {
  readonly world: GithubWorld;
  readonly tailnets: Tailnet[];
  readonly principals: GithubPrincipals;
  readonly now: () => Date;
  readonly port: number;
};

/** The surfaces write whole addresses into their answers, so the port must be known before the first request. */
async function serve({ world, tailnets, principals, now, port }: Parts): Promise<Upstreams> {
  const surfaces: Surface[] = [];
  const addresses: { index: Record<string, string> } = { index: {} };
  const log = new RequestLog();
  const faults = new Faults();
  const server = await listen({ surfaces, faults, log, now, index: () => jsonAnswer(200, addresses.index) }, port);
  const url = `http://127.0.0.1:${server.port}`;
  const at = { github: `${url}/github`, web: `${url}/github-web` };
  const storage = { world, url: `${url}/github-storage`, now };
  const tailscaleUrl = `${url}/tailscale`;
  const tailscale: TailscaleWorld = {
    now,
    tailnets,
    minted: new Map(),
    idTokens: new IdTokenIssuer(tailscaleUrl, now),
  };
  const rateLimit = new RateLimit(now);
  const webhooks = new Webhooks(at);
  const control = makeControl({ world, tailscale, principals, rateLimit, webhooks, log, faults });
  surfaces.push(
    githubSurface({ world, at, principals, rateLimit, signedUrl: (id) => signedAssetUrl(storage, id) }),
    storageSurface(storage),
    webSurface(storage),
    tailscaleSurface(tailscale),
    controlSurface(control),
  );
  addresses.index = { github: at.github, tailscale: tailscaleUrl, control: `${url}/__control` };
  return {
    url,
    githubUrl: at.github,
    tailscaleUrl,
    idTokenIssuer: tailscaleUrl,
    idTokenJwksUrl: tailscaleUrl + KEY_SET_PATH,
    control,
    close: async () => {
      await webhooks.close();
      await server.close();
    },
  };
}

type Controlled = Omit<Parts, "now" | "port" | "tailnets"> & {
  readonly tailscale: TailscaleWorld;
  readonly rateLimit: RateLimit;
  readonly webhooks: Webhooks;
  readonly log: RequestLog;
  readonly faults: Faults;
};

const OfSurface = z.strictObject({ surface: z.enum(["github", "storage", "web", "tailscale"]).optional() });

function makeControl({ log, faults, tailscale, ...github }: Controlled) {
  return {
    /** Requests received, oldest first, control requests excluded. */
    requests: call(OfSurface.default({}), ({ surface }) => log.list(surface)),
    resetRequests: () => log.reset(),
    injectFault: call(FaultInput, (input) => ({ id: faults.inject(input).id })),
    faults: () => faults.list(),
    clearFaults: () => faults.clear(),
    ...githubControl(github),
    ...tailscaleControl(tailscale),
  };
}
