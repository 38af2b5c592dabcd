import type { Api } from "../api/client.ts";
import { type Proposal, ProposalPage, type Yanked } from "../api/proposal-shapes.ts";
import { readPages } from "../api/read-pages.ts";
import { CliError, EXIT, usageError } from "../cli-error.ts";

/** Proposals in one state, newest first, and deployments whose release was taken back. */
export async function readProposals(api: Api, state: string): Promise<{ proposals: Proposal[]; yanked: Yanked[] }> {
  const yanked: Yanked[] = [];
  const proposals = await readPages(api, {
    path: "/proposals",
    query: { state },
    shape: ProposalPage,
    items: (page) => {
      if (yanked.length === 0) yanked.push(...page.yanked);
      return page.proposals;
    },
  });
  return { proposals, yanked };
}

/** The open proposal with this id, or to this deployment (there is at most one). Says what became of one that is not open any more. */
export async function findProposal(api: Api, wanted: string): Promise<Proposal> {
  const isMeant = ({ id, deployment_name }: Proposal) => id === wanted || deployment_name === wanted;
  const open = (await readProposals(api, "open")).proposals;
  const [found, ...others] = open.filter(isMeant);
  if (found && others.length === 0) return found;
  if (found) throw usageError(`Deployments named ${wanted} are in several namespaces.`, "Name the proposal by its id.");
  for (const state of ["superseded", "accepted", "dismissed"]) {
    const former = (await readProposals(api, state)).proposals.find(({ id }) => id === wanted);
    if (former) throw decided(former);
  }
  throw new CliError(EXIT.failed, {
    code: "proposal_not_found",
    message: `Nothing is proposed to ${wanted}.`,
    action: "leger schema proposals lists what is.",
  });
}

/** What somebody can do about a proposal that is no longer open. */
export function decided({ state, schema_version, deployment_name }: Proposal): CliError {
  const what = `The proposal of ${schema_version} to ${deployment_name}`;
  const [message, action] =
    state === "superseded"
      ? [`${what} was superseded by a newer release.`, `leger schema proposals ${deployment_name} shows the newer one.`]
      : [`${what} was ${state}.`, "leger schema proposals lists those that are open."];
  return new CliError(EXIT.failed, { code: "proposal_decided", message, action });
}
