import { z } from "zod";
import { Finding } from "#core/finding.ts";
import { Plan } from "#quadlet/plan/plan.ts";
import { DecisionChange, FileDiff, LostDecision } from "./shapes.ts";

export const Proposal = z.object({
  id: z.string(),
  namespace: z.string(),
  deployment_name: z.string(),
  pack: z.string(),
  from_version: z.string(),
  schema_version: z.string(),
  base_version: z.int(),
  state: z.string(),
  class: z.string(),
  preview: z.object({
    summary: z.string().nullable(),
    reasons: z.array(z.string()),
    lost: z.array(LostDecision),
    findings: z.array(Finding),
    changes: z.array(DecisionChange),
    plan: Plan.nullable(),
    files: z.array(FileDiff),
  }),
  created_at: z.string(),
  updated_at: z.string(),
});
export type Proposal = z.infer<typeof Proposal>;

const Yanked = z.object({
  deployment_name: z.string(),
  schema_version: z.string(),
  yanked_reason: z.string().nullable(),
});
export type Yanked = z.infer<typeof Yanked>;

export const ProposalPage = z.object({
  proposals: z.array(Proposal),
  yanked: z.array(Yanked),
  next_cursor: z.string().nullable(),
});
export const Accepted = z.object({ version: z.int(), summary: z.string().nullable() });
export const Dismissed = z.object({ id: z.string(), state: z.string() });
