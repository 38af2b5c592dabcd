import semver from "semver";
import { z } from "zod";

const LevelName = z.enum(["major", "minor", "patch"]);

/** What a device would have to do, the worst over all rows; `data_risk` means that somebody may lose or miss data. */
export const RenderEffect = z.enum(["identical", "changed", "restart", "recreate", "data_risk"]);
export type RenderEffect = z.infer<typeof RenderEffect>;

/**
 * How one version follows another, computed. `class`: `identical` (same renders), `compatible` (saved decisions are valid as they
 * are), `migrates` (a migration carries every row over), `needs_input` (somebody must say something), `breaking` (neither).
 * `deserved` is the semver step that the changes ask for, `promised` the one that the number takes; where it promises more
 * compatibility than it keeps, `is_overpromising`, and nobody gets it automatically.
 */
export const Compatibility = z.object({
  format: z.literal(1),
  from: z.string(),
  to: z.string(),
  class: z.enum(["identical", "compatible", "migrates", "needs_input", "breaking"]),
  effect: RenderEffect,
  deserved: LevelName,
  promised: LevelName,
  is_overpromising: z.boolean(),
  changes: z.array(z.object({ code: z.string(), decision: z.string(), level: LevelName, message: z.string() })),
  renders: z.object({
    rows: z.int(),
    identical: z.int(),
    changed: z.int(),
    restart: z.int(),
    recreate: z.int(),
    data_risk: z.int(),
    needs_input: z.int(),
    refused: z.int(),
  }),
  risks: z.array(z.string()),
  inputs: z.array(z.object({ decision: z.string(), message: z.string() })),
});
export type Compatibility = z.infer<typeof Compatibility>;
/** The judgement without its reasons. */
export const Verdict = Compatibility.pick({
  from: true,
  class: true,
  effect: true,
  deserved: true,
  promised: true,
  is_overpromising: true,
});
export type Verdict = z.infer<typeof Verdict>;
export type RenderCounts = Compatibility["renders"];

const ORDER = ["patch", "minor", "major"] as const;
const EFFECTS = RenderEffect.options;

/** The step that a version number takes. Below 1.0.0 a minor step may break (semver 2.0.0, 4; npm's ranges say the same). */
export function promisedLevel(from: string, to: string): Compatibility["promised"] {
  const [old, next] = [semver.parse(from), semver.parse(to)];
  if (!old || !next || old.major !== next.major) return "major";
  if (old.major === 0) return old.minor === next.minor ? "minor" : "major";
  return old.minor === next.minor ? "patch" : "minor";
}

type Facts = {
  from: string;
  to: string;
  changes: Compatibility["changes"];
  renders: RenderCounts;
  risks: string[];
  inputs: Compatibility["inputs"];
  hasMigration: boolean;
};

/** Puts what the schemas and the renders say into one judgement. */
export function judgeCompatibility({ hasMigration, ...facts }: Facts): Compatibility {
  const { renders, changes } = facts;
  const effect = EFFECTS.findLast((name) => renders[name] > 0) ?? "identical";
  const steps = changes.map(({ level }) => ORDER.indexOf(level));
  if (effect === "data_risk" || renders.refused > 0 || renders.needs_input > 0) steps.push(2);
  if (effect === "recreate") steps.push(1);
  const deserved = ORDER[Math.max(0, ...steps)] ?? "major";
  const promised = promisedLevel(facts.from, facts.to);
  const isMajor = changes.some(({ level }) => level === "major");
  const kind =
    renders.refused > 0
      ? "breaking"
      : renders.needs_input > 0 || facts.inputs.length > 0
        ? "needs_input"
        : isMajor
          ? hasMigration
            ? "migrates"
            : "breaking"
          : effect === "identical" && changes.length === 0
            ? "identical"
            : "compatible";
  return {
    format: 1,
    ...facts,
    class: kind,
    effect,
    deserved,
    promised,
    is_overpromising: ORDER.indexOf(promised) < ORDER.indexOf(deserved),
  };
}

/** Whether a configuration that follows releases by itself may take this one without being asked. */
export const isAutomatic = ({ class: kind, effect, is_overpromising }: Compatibility) =>
  (kind === "identical" || kind === "compatible") && effect !== "data_risk" && !is_overpromising;
