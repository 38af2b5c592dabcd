import { z } from "zod";

/** What a schema version would do to one configuration, from the least to the most that somebody must look at. */
export const ImpactClass = z.enum(["identical", "changed", "restarts", "data_risk", "needs_input", "fails"]);
export type ImpactClass = z.infer<typeof ImpactClass>;
export const ImpactCounts = z.object({
  identical: z.int(),
  changed: z.int(),
  restarts: z.int(),
  data_risk: z.int(),
  needs_input: z.int(),
  fails: z.int(),
});
export type ImpactCounts = z.infer<typeof ImpactCounts>;

/** Fewer others than these are nobody's business: what they do could be told from a count. */
export const OTHERS_MIN = 5;

export const noCounts = (): ImpactCounts => ({
  identical: 0,
  changed: 0,
  restarts: 0,
  data_risk: 0,
  needs_input: 0,
  fails: 0,
});

/**
 * Why a configuration is in its class. Codes, names of decisions, services and template files: never a value, because it is stored
 * beside the rows of others. Lists are cut (`is_cut`): it is a reason, not a report.
 */
export const ImpactDetail = z.object({
  format: z.literal(1),
  /** The schema version and the configuration's version that were judged. */
  from: z.string(),
  base_version: z.int(),
  files_changed: z.int(),
  services: z.array(z.string()),
  risks: z.array(z.object({ code: z.string(), service: z.string().nullable() })),
  /** JSON Pointers of decisions that somebody must make. */
  inputs: z.array(z.string()),
  /** JSON Pointers of decisions whose value is given up. */
  lost: z.array(z.string()),
  findings: z.array(
    z.object({
      code: z.string(),
      decision: z.string().nullable(),
      file: z.string().nullable(),
      line: z.int().nullable(),
    }),
  ),
  is_cut: z.boolean(),
});
export type ImpactDetail = z.infer<typeof ImpactDetail>;

/** What is hidden together has to be at least this many, or it could be told apart. */
const HIDDEN_MIN = 2 * OTHERS_MIN;
/** Which group is given up for one that must be hidden: the one that says least. Not the smallest: that would bound it. */
const GIVEN_UP = ["changed", "restarts", "data_risk", "needs_input", "fails", "identical"] as const;

/**
 * The counts that others than the operator may see; null is "fewer than five, or too near to such a group". `workspaces` says how many
 * workspaces stand in each class, `own` how many configurations of the reader's own workspace do.
 *
 * A group is shown when at least five *other* workspaces stand in it: five configurations of one neighbour are that neighbour, and
 * the reader's own say nothing about others. Who knows how many there are in all (another version's counts tell) could take
 * the shown groups from it, and be left with a small one. So while a hidden group has somebody in it, one of the others is given up
 * too, and where both together are fewer than ten, all are. A test tries every way to fill the classes.
 */
export function visibleCounts(
  counts: ImpactCounts,
  { workspaces, own }: { workspaces: ImpactCounts; own: ImpactCounts },
): Record<ImpactClass, number | null> {
  const others = (kind: ImpactClass) => workspaces[kind] - (own[kind] > 0 ? 1 : 0);
  const visible = new Set(ImpactClass.options.filter((kind) => others(kind) >= OTHERS_MIN));
  const hidden = () => ImpactClass.options.filter((kind) => !visible.has(kind));
  if (hidden().some((kind) => others(kind) > 0)) {
    const given = GIVEN_UP.find((kind) => visible.has(kind));
    if (given) visible.delete(given);
    const sum = hidden().reduce((total, kind) => total + counts[kind] - own[kind], 0);
    if (sum < HIDDEN_MIN) visible.clear();
  }
  const entries = ImpactClass.options.map((kind) => [kind, visible.has(kind) ? counts[kind] : null] as const);
  return Object.fromEntries(entries) as Record<ImpactClass, number | null>;
}

const many = (count: number, one: string) => (count === 1 ? `1 ${one}` : `${count} ${one}s`);
const list = (words: readonly string[], isCut: boolean) => words.join(", ") + (isCut ? " and more" : "");
const path = (pointer: string) => pointer.slice(1).replaceAll("/", ".") || "the decisions";

/** A detail as one or two sentences for the configuration's owner. */
export function describeImpact(kind: ImpactClass, detail: ImpactDetail): string {
  const { lost, is_cut } = detail;
  const gone = lost.length > 0 ? ` Gives up ${list(lost.map(path), is_cut)}.` : "";
  return whatHappens(kind, detail) + gone;
}

function whatHappens(kind: ImpactClass, detail: ImpactDetail): string {
  const { files_changed, services, risks, inputs, findings, is_cut } = detail;
  const restarts = services.length > 0 ? ` Touches ${list(services, is_cut)}.` : "";
  switch (kind) {
    case "identical":
      return "Nothing changes on any device.";
    case "changed":
      return `${many(files_changed, "file")} would change, and no service restarts.`;
    case "restarts":
      return `${many(files_changed, "file")} would change.${restarts}`;
    case "data_risk": {
      const named = risks.map(
        ({ code, service }) => code.replaceAll("_", " ") + (service === null ? "" : ` (${service})`),
      );
      return `Data is at risk: ${list(named, is_cut)}.${restarts}`;
    }
    case "needs_input":
      return `Cannot move before somebody decides ${list(inputs.map(path), is_cut)}.`;
    case "fails": {
      const named = findings.map(({ code, decision, file, line }) => {
        const where = file === null ? decision && path(decision) : `${file}:${line ?? 1}`;
        return where ? `${code} (${where})` : code;
      });
      return `Cannot move: ${list(named, is_cut)}.`;
    }
  }
}
