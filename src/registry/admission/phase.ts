export type Phase =
  | "parse"
  | "schema"
  | "analysis"
  | "matrix"
  | "rendering"
  | "quadlet checks"
  | "previous release"
  | "migrations"
  | "compatibility";

/** Told which phase of an admission begins, for who has a clock: the registry has none. One may begin many times. */
export type Measure = (phase: Phase) => void;

export const unmeasured: Measure = () => {};
