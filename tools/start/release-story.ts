import { setTimeout as sleep } from "node:timers/promises";
import type { Upstreams } from "../upstreams/start-upstreams.ts";
import { type ApiClient } from "./api-client.ts";
import type { LocalWorker } from "./local-worker.ts";
import { screen } from "./screen.ts";

/** What the story publishes; what comes before is there from the start. */
const STORY = ["v1.1.0", "v2.0.0"];
export const FIRST_RELEASE = "v1.0.0";

const POLICIES = ["pinned", "propose", "auto"] as const;
type Policy = (typeof POLICIES)[number];
const NAMES = { pinned: "steady", propose: "careful", auto: "eager" } as const;
export const CAREFUL = NAMES.propose;
export const DECISIONS = {
  ai_stack: { enable_rag: true, text_splitter: "token" },
  services: { enable_litellm: true },
  networking: { network_name: "home" },
};
const WAIT_SECONDS_MAX = 30;
const REASONS_SHOWN = 4;

type Configuration = { version: number; head_version: number | null; schema_version: string; config_data: object };
type Proposal = {
  id: string;
  deployment_name: string;
  schema_version: string;
  class: string;
  preview: {
    reasons: string[];
    lost: unknown[];
    files: { filename: string; unified: string }[];
    plan: { steps: { text: string }[] } | null;
  };
};
type Stage = { api: ApiClient; worker: LocalWorker; upstreams: Upstreams };

/** GitHub has in this start what the registry took from it in earlier ones. True: the story was told already. */
export async function restoreReleases({ api, upstreams }: Omit<Stage, "worker">): Promise<boolean> {
  const { schemas } = await api.call<{ schemas: { version: string }[] }>("GET", "/schemas");
  const known = STORY.filter((tag) => schemas.some(({ version }) => version === tag));
  for (const tag of known) await upstreams.control.publishRelease({ tag, ownDate: true });
  return known.length > 0;
}

/**
 * Two releases, from GitHub's signed webhook to what they mean for three deployments with three policies. Throws where one of them is
 * not as it is told.
 */
export async function releaseStory(stage: Stage): Promise<void> {
  const { api, worker, upstreams } = stage;
  screen.step(6, "A release: v1.1.0 appears on GitHub, for three deployments with three policies");
  for (const policy of POLICIES) await saveAs(api, policy);
  upstreams.control.setWebhook({ url: `${worker.url}/webhooks/github`, secret: worker.webhookSecret });
  await publish(stage, "v1.1.0", async () => {
    const [eager, proposal] = await Promise.all([read(api, "auto"), proposed(api, "propose", "v1.1.0")]);
    return eager.schema_version === "v1.1.0" && eager.head_version === eager.version && proposal;
  });
  const [steady, careful, eager] = await Promise.all(POLICIES.map((policy) => read(api, policy)));
  const offer = await proposed(api, "propose", "v1.1.0");
  expectThat(
    steady?.schema_version === FIRST_RELEASE && !(await proposed(api, "pinned", "v1.1.0")),
    "pinned sees nothing",
  );
  expectThat(careful?.schema_version === FIRST_RELEASE && offer, "propose has a proposal and keeps its version");
  screen.rows([
    ["pinned", NAMES.pinned, `${steady?.schema_version}: nothing happens, nobody is asked`],
    ["auto", NAMES.auto, `${eager?.schema_version}: version ${eager?.version} is rendered, and devices get it`],
    [
      "propose",
      NAMES.propose,
      `${careful?.schema_version}: a proposal waits (${offer?.class}), with its diff and plan:`,
    ],
  ]);
  if (offer) showOffer(offer);

  screen.step(7, "A release that breaks: v2.0.0 renames decisions, and migrates them");
  await publish(stage, "v2.0.0", async () => {
    const offers = await Promise.all([proposed(api, "propose", "v2.0.0"), proposed(api, "auto", "v2.0.0")]);
    return offers.every((one) => one !== null);
  });
  await acceptHeldBack(api);
}

async function acceptHeldBack(api: ApiClient): Promise<void> {
  const before = await read(api, "auto");
  const offer = await proposed(api, "auto", "v2.0.0");
  const { reasons = [], lost = [] } = offer?.preview ?? {};
  expectThat(before.schema_version === "v1.1.0" && reasons.length > 0, "v2.0.0 is held back, with reasons");
  expectThat(!(await proposed(api, "pinned", "v2.0.0")), "pinned sees nothing");
  screen.done(`${NAMES.auto} stays at v1.1.0 although it follows by itself, and is asked, because`);
  for (const reason of reasons.slice(0, REASONS_SHOWN)) screen.line(`  ${reason}`);
  if (reasons.length > REASONS_SHOWN) screen.dim(`  and ${reasons.length - REASONS_SHOWN} more`);

  const startedAt = Date.now();
  const { version } = await api.call<{ version: number }>("POST", `/proposals/${offer?.id}/accept`, { body: {} });
  await screen.waiting("its render", () =>
    until("the accepted version", async () => (await read(api, "auto")).head_version === version),
  );
  const after = await read(api, "auto");
  expectThat(after.schema_version === "v2.0.0" && after.version === version, "accepting makes a version of v2.0.0");
  const wanted = {
    ai_stack: { enable_rag: true, text_splitter: "tokens" },
    networking: { network: { name: "home" } },
    services: { enable_litellm: true },
  };
  expectThat(JSON.stringify(after.config_data) === JSON.stringify(wanted), "the decisions are migrated");
  screen.done(
    `accepted by hand: version ${version} under v2.0.0, rendered in ${screen.seconds(startedAt)}; its decisions, migrated (${lost.length} lost):`,
  );
  const [old, next] = [before, after].map(({ config_data }) => decisionLines(config_data));
  screen.patch(
    [
      ...(old ?? []).filter((line) => !next?.includes(line)).map((line) => `- ${line}`),
      ...(next ?? []).filter((line) => !old?.includes(line)).map((line) => `+ ${line}`),
    ].join("\n"),
  );
}

/** `networking.network_name: "home"`, one decision a line. */
const decisionLines = (value: unknown, path: readonly string[] = []): string[] =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, below]) => decisionLines(below, [...path, key]))
    : [`${path.join(".")}: ${JSON.stringify(value)}`];

/** Publishes as an author does on GitHub, and waits until `isThere` says that everybody has what the release means to them. */
async function publish({ upstreams }: Stage, tag: string, isThere: () => Promise<unknown>): Promise<void> {
  const known = (await upstreams.control.deliveries()).length;
  const startedAt = Date.now();
  await upstreams.control.publishRelease({ tag, ownDate: true });
  await screen.waiting(`GitHub calls POST /webhooks/github, ${tag} is admitted and announced`, () =>
    until(tag, isThere),
  );
  const took = screen.seconds(startedAt);
  const deliveries = (await upstreams.control.deliveries()).slice(known);
  expectThat(
    deliveries.length > 0 && deliveries.every(({ status }) => status === 202),
    "signed deliveries are answered 202",
  );
  const actions = deliveries.map(({ action }) => action).join(", ");
  screen.done(`signed webhooks, each answered 202: ${actions}`);
  screen.done(`${tag} is admitted (every pair of decisions rendered and checked) and announced: ${took}`);
}

function showOffer({ preview }: Proposal): void {
  expectThat(preview.files.length > 0 && preview.plan !== null, "the proposal has its diff and its plan");
  for (const { filename, unified } of preview.files) {
    screen.line(filename);
    screen.patch(withoutContext(unified));
  }
  for (const { text } of preview.plan?.steps ?? []) screen.line(`on a device: ${text}`);
}

/** Only what changes: the lines around it are in the proposal itself. */
const withoutContext = (unified: string) =>
  unified
    .split("\n")
    .filter((line) => /^[+-]/.test(line))
    .join("\n");

async function saveAs(api: ApiClient, policy: Policy): Promise<void> {
  const deployment_name = NAMES[policy];
  if ((await api.send("GET", `/configurations/${deployment_name}`)).status === 200) return; // of a start that was ended
  await api.call("POST", "/configurations", {
    body: {
      deployment_name,
      schema_version: FIRST_RELEASE,
      schema_range: ">=1.0.0",
      upgrade_policy: policy,
      config_data: DECISIONS,
    },
  });
}

const read = (api: ApiClient, policy: Policy) => api.call<Configuration>("GET", `/configurations/${NAMES[policy]}`);

async function proposed(api: ApiClient, policy: Policy, tag: string): Promise<Proposal | null> {
  const { proposals } = await api.call<{ proposals: Proposal[] }>("GET", "/proposals");
  const isMeant = (one: Proposal) => one.deployment_name === NAMES[policy] && one.schema_version === tag;
  return proposals.find(isMeant) ?? null;
}

async function until(what: string, isThere: () => Promise<unknown>): Promise<void> {
  for (const startedAt = Date.now(); Date.now() - startedAt < WAIT_SECONDS_MAX * 1000; await sleep(100))
    if (await isThere()) return;
  throw new Error(`waited ${WAIT_SECONDS_MAX} seconds in vain for ${what}`);
}

function expectThat(isSo: unknown, what: string): void {
  if (!isSo) throw new Error(`not as said: ${what}`);
}
