import type { Finding } from "#core/finding.ts";
import type { Version } from "#store/version-store.ts";

/** What a save answers: the version, what was left out because it does not apply, and whether anything was new. */
export type SavedVersion = { version: Version; pruned: string[]; warnings: Finding[]; unchanged: boolean };
