/** What semver asks of a change: `major` refuses or changes what was saved, `minor` adds, `patch` is words. */
export type Level = "major" | "minor" | "patch";

/**
 * One difference between two schemas, as somebody who saved decisions under the old one meets it. `decision` is a JSON Pointer into
 * `config_data` of the newer schema, or of the older one where the decision is gone.
 */
export type SchemaChange = {
  code:
    | "added"
    | "added_required"
    | "removed"
    | "renamed"
    | "narrowed"
    | "widened"
    | "retyped"
    | "default_changed"
    | "condition_narrowed"
    | "condition_widened"
    | "became_required"
    | "became_immutable"
    | "became_secret"
    | "deprecated"
    | "podman_narrowed"
    | "described";
  decision: string;
  level: Level;
  message: string;
};
