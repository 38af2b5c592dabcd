import { Accepted, Dismissed, type Proposal } from "../api/proposal-shapes.ts";
import { ApiRefusal } from "../api/client.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { type Call, leaf } from "../leaf.ts";
import { minute, style, table } from "../output.ts";
import { confirm } from "./confirm.ts";
import { parseSetting } from "./edit-decisions.ts";
import { findConfiguration } from "./find-configuration.ts";
import { decided, findProposal, readProposals } from "./find-proposal.ts";
import { effect, proposalLines } from "./proposal-lines.ts";
import { watchRender } from "./watch-render.ts";

export const proposalsCommand = () =>
  leaf<{ state: string }>({
    name: "proposals",
    description: "What new releases would do to your deployments; of one of them, in full.",
    declare: (command) =>
      command
        .argument("[deployment]", "this deployment's, with its diff and plan; or a proposal's id")
        .option("--state <state>", "open, accepted, dismissed or superseded", "open"),
    examples: ["leger schema proposals", "leger schema proposals openwebui"],
    run: async (cli) => {
      const { api, out, args, options } = cli;
      if (args[0] !== undefined) {
        const proposal = await findProposal(api, args[0]);
        out.result(proposal, [...proposalLines(proposal), ...(await nextLines(cli, proposal))]);
        return;
      }
      const { proposals, yanked } = await readProposals(api, options.state);
      const rows = proposals.map((one) => [
        one.deployment_name,
        `${one.from_version} -> ${one.schema_version}`,
        effect(one.class),
        minute(one.created_at),
        one.id,
      ]);
      const notes = yanked.map(
        (one) =>
          `${style("red", "taken back")} ${one.deployment_name} runs ${one.schema_version}: ${one.yanked_reason ?? "no reason was given"}`,
      );
      const lines =
        rows.length > 0 ? table(rows, ["DEPLOYMENT", "RELEASE", "EFFECT", "SINCE", "ID"]) : ["Nothing is proposed."];
      out.result({ proposals, yanked }, [...lines, ...notes]);
    },
  });

async function nextLines(cli: Call<unknown>, proposal: Proposal): Promise<string[]> {
  const { deployment_name: name, preview } = proposal;
  const saved = await savedSince(cli, proposal);
  return [
    "",
    ...(saved === null ? [] : [saved]),
    preview.summary === null
      ? `do: correct what is in the way, or give what is missing: leger schema accept ${name} --set PATH=VALUE`
      : `do: leger schema accept ${name}, or dismiss ${name}`,
  ];
}

/** A preview is of the version that it was made from; what is accepted is the newest. */
async function savedSince({ api }: Call<unknown>, proposal: Proposal): Promise<string | null> {
  const { namespace, deployment_name: name, base_version } = proposal;
  const found = await findConfiguration(api, { name, namespace });
  return found === null || found.configuration.version === base_version
    ? null
    : `This was made from version ${base_version}; version ${found.configuration.version} was saved since, and is what accepting migrates.`;
}

export const acceptProposalCommand = () =>
  leaf<{ set?: string[]; yes?: true; wait: boolean }>({
    name: "accept",
    description: "Take a proposal: a new version with the migrated decisions. Asks where something is lost.",
    declare: (command) =>
      command
        .argument("<deployment>", "the deployment, or the proposal's id")
        .option("--set <path=value>", "a value that the migration asks for (repeatable)", collect)
        .option("-y, --yes", "do not ask, also where decisions are lost or data is at risk")
        .option("--no-wait", "do not wait for the render"),
    run: async (cli) => {
      const { api, out, args, options } = cli;
      const proposal = await findProposal(api, args[0] ?? "");
      const { preview, deployment_name: name, schema_version } = proposal;
      const saved = await savedSince(cli, proposal);
      if (saved !== null) out.progress(saved);
      const losesSomething = preview.lost.length > 0 || (preview.plan?.risks ?? []).length > 0;
      if (losesSomething && !options.yes)
        await confirm(`Take ${schema_version} for ${name}, with what that loses?`, proposalLines(proposal));
      const inputs = Object.fromEntries((options.set ?? []).map(parseSetting).map(({ path, value }) => [path, value]));
      const body = { inputs, accept_losses: losesSomething || options.yes === true };
      const { data } = await take(cli, proposal, body);
      out.progress(`saved as version ${data.version}`);
      if (options.wait) await watchRender(cli, { version: data.version, seconds: 120 });
      out.result(data, [`Version ${data.version} of ${name}: ${data.summary ?? "saved"}`]);
    },
  });

async function take({ api }: Call<unknown>, proposal: Proposal, body: Record<string, unknown>) {
  const path = `/proposals/${encodeURIComponent(proposal.id)}/accept`;
  try {
    return await api.call({ method: "POST", path, body, shape: Accepted });
  } catch (cause) {
    // a release was published, or somebody decided, while this one was being read
    if (cause instanceof ApiRefusal && cause.code === "proposal_decided")
      throw decided({ ...proposal, state: "decided meanwhile" });
    // what was saved since the proposal was made loses more than was shown
    if (cause instanceof ApiRefusal && cause.code === "losses_not_accepted")
      throw new CliError(EXIT.failed, {
        code: cause.code,
        message: cause.message,
        details: cause.details,
        action: `If that is all right: leger schema accept ${proposal.deployment_name} --yes`,
      });
    throw cause;
  }
}

const collect = (value: string, all: string[] | undefined) => [...(all ?? []), value];

export const dismissProposalCommand = () =>
  leaf({
    name: "dismiss",
    description: "Put a proposal away; that release is not proposed to the deployment again.",
    declare: (command) => command.argument("<deployment>", "the deployment, or the proposal's id"),
    run: async ({ api, out, args }) => {
      const { id, deployment_name: name, schema_version } = await findProposal(api, args[0] ?? "");
      const path = `/proposals/${encodeURIComponent(id)}/dismiss`;
      const { data } = await api.call({ method: "POST", path, shape: Dismissed });
      out.result(data, [`${schema_version} is not proposed to ${name} again.`]);
    },
  });
