import fc from "fast-check";

/** Which version an edit says it was made from. */
export type Match = "current" | "stale" | "any" | "none";
export const NAMES = ["site", "shop"] as const;
export type Name = (typeof NAMES)[number];
export const TENANTS = 3;

type At = { tenant: number; name: Name };
export type Edit = At & { port: number; match: Match };

/** One step of somebody: a person, a device, the queue, the clock. `race` starts several edits at the same moment. */
export type Command =
  | ({ kind: "create"; port: number } & At)
  | ({ kind: "save"; key: number | null } & Edit)
  | ({ kind: "delete"; match: Match } & At)
  | ({ kind: "rollback"; back: number } & At)
  | ({ kind: "restore" } & At)
  | { kind: "race"; edits: Edit[] }
  | ({ kind: "read" } & At)
  | ({ kind: "poll" } & At)
  | { kind: "deliver" }
  | { kind: "lose" }
  | { kind: "sweep" };

const at = { tenant: fc.nat(TENANTS - 1), name: fc.constantFrom(...NAMES) };
/** Few values, so that equal saves happen. */
const port = fc.integer({ min: 80, max: 84 });
const match = fc.constantFrom<Match>("current", "current", "stale", "any", "none");
const edit = fc.record({ ...at, port, match });

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("create" as const), ...at, port }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("save" as const),
      ...at,
      port,
      match,
      key: fc.option(fc.nat(2), { nil: null }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), ...at, match }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("rollback" as const), ...at, back: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restore" as const), ...at }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("race" as const),
      edits: fc.array(edit, { minLength: 2, maxLength: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("read" as const), ...at }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("poll" as const), ...at }) },
  { weight: 3, arbitrary: fc.constant({ kind: "deliver" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "lose" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "sweep" as const }) },
);

export const sequences: fc.Arbitrary<Command[]> = fc.array(command, { minLength: 5, maxLength: 30, size: "max" });
