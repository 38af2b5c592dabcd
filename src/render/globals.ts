import { TemplateFault } from "#render/fault.ts";
import { HostFunction } from "#render/macro-function.ts";
import { toNumber } from "#render/values/operators.ts";

/** `range([start,] stop[, step])`: a list of numbers. */
const range = new HostFunction(({ run, place }, args) => {
  const hasStop = args[1] !== undefined;
  const start = hasStop ? toNumber(args[0]) : 0;
  const stop = hasStop ? toNumber(args[1]) : toNumber(args[0]);
  const step = hasStop && args[2] ? toNumber(args[2]) : 1;
  const count = Math.max(0, Math.ceil((stop - start) / step)) || 0;
  try {
    run.checkItems(count, "range()");
  } catch (error) {
    throw error instanceof TemplateFault ? error.at(place) : error;
  }
  run.charge(count >>> 2, place);
  const items: number[] = [];
  if (step > 0) for (let i = start; i < stop; i += step) items.push(i);
  else for (let i = start; i > stop; i += step) items.push(i);
  return items;
});

/** `cycler(a, b, ...)`: `next()` gives its items in turn. */
const cycler = new HostFunction((_context, items) => {
  let index = -1;
  const cycle: Record<string, unknown> = { current: null };
  cycle["reset"] = () => {
    index = -1;
    cycle["current"] = null;
  };
  cycle["next"] = () => {
    index = index + 1 >= items.length ? 0 : index + 1;
    cycle["current"] = items[index];
    return items[index];
  };
  return cycle;
});

/** `joiner(separator)`: a function that yields nothing the first time and the separator after. */
const joiner = new HostFunction((_context, args) => {
  let isFirst = true;
  const separator = args[0] || ",";
  return () => {
    const text = isFirst ? "" : separator;
    isFirst = false;
    return text;
  };
});

/** Names to values, without a prototype. */
export const withoutPrototype = (
  ...sources: readonly Readonly<Record<string, unknown>>[]
): Readonly<Record<string, unknown>> =>
  Object.assign(Object.create(null) as Record<string, unknown>, ...sources) as Record<string, unknown>;

export const GLOBALS = withoutPrototype({ cycler, joiner, range });
