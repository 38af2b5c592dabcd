/**
 * Every bound of the system in one table (law 9): what is counted, the number, its unit, and the catalogue code or
 * finding code that a value one beyond it gets. docs/limits.md is printed from it, and one boundary test walks it.
 * Limits count bytes, characters, steps and items, never time: a Worker's clock stands still between I/O.
 */
type Limit = { readonly value: number; readonly unit: string; readonly what: string; readonly code: string };
const limit = (value: number, unit: string, what: string, code: string): Limit => ({ value, unit, what, code });

export const LIMITS = {
  engine_steps_max: limit(1_000_000, "steps", "work of one render, filters charged by input size", "limit_steps"),
  engine_depth_max: limit(150, "calls", "nesting of macros, includes, imports and blocks", "limit_depth"),
  engine_range_items_max: limit(100_000, "items", "length of one range() or one loop", "limit_loop"),
  engine_string_chars_max: limit(4_194_304, "characters", "one value built inside a template", "limit_string"),
  engine_source_chars_max: limit(524_288, "characters", "source of one template", "limit_source"),
  output_file_chars_max: limit(1_048_576, "characters", "one rendered file", "limit_output_file"),
  output_total_chars_max: limit(4_194_304, "characters", "all files of one render", "limit_output_total"),
  output_files_max: limit(200, "files", "files of one render", "limit_output_files"),
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof LIMITS;
