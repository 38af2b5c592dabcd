import { dataFilters } from "#render/filters/data-filters.ts";
import type { Filter } from "#render/filters/filter.ts";
import { htmlFilters } from "#render/filters/html-filters.ts";
import { listFilters } from "#render/filters/list-filters.ts";
import { numberFilters } from "#render/filters/number-filters.ts";
import { textFilters } from "#render/filters/text-filters.ts";
import { unitFilters } from "#render/filters/unit-filters.ts";

const byName: Record<string, Filter> = {
  ...dataFilters,
  ...htmlFilters,
  ...listFilters,
  ...numberFilters,
  ...textFilters,
  ...unitFilters,
};

/** Filters that Nunjucks or Jinja has and this engine refuses, with the reason. */
const REFUSED_FILTERS: Readonly<Record<string, string>> = {
  random: "a render must give the same bytes each time; choose with a decision instead",
};

export const FILTER_NAMES: readonly string[] = Object.keys(byName).toSorted();

export const filterNamed = (name: string): Filter | undefined =>
  Object.hasOwn(byName, name) ? byName[name] : undefined;

export const refusedFilterReason = (name: string): string | undefined =>
  Object.hasOwn(REFUSED_FILTERS, name) ? REFUSED_FILTERS[name] : undefined;
