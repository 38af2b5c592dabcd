import type { Filter } from "#render/filters/filter.ts";
import { bindKeywords } from "#render/values/keywords.ts";
import { toNumber, toText } from "#render/values/operators.ts";

const ROUNDERS: Record<string, (value: number) => number> = { ceil: Math.ceil, floor: Math.floor };

const round: Filter = (_run, input, { 0: precision, 1: method }) => {
  const factor = Math.pow(10, toNumber(precision) || 0);
  const rounder = typeof method === "string" && Object.hasOwn(ROUNDERS, method) ? ROUNDERS[method] : undefined;
  return (rounder ?? Math.round)(toNumber(input) * factor) / factor;
};

const float: Filter = (_run, input, { 0: fallback }) => {
  const value = Number.parseFloat(toText(input));
  return Number.isNaN(value) ? fallback : value;
};

const int: Filter = (_run, number, args) => {
  const [input, fallback, base] = bindKeywords([number, ...args], ["value", "default", "base"]);
  const value = Number.parseInt(toText(input), base === undefined ? 10 : toNumber(base));
  return Number.isNaN(value) ? fallback : value;
};

export const numberFilters: Record<string, Filter> = {
  abs: (_run, input) => Math.abs(toNumber(input)),
  float,
  int,
  round,
};
