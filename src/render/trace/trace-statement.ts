import type { Statement } from "#render/ast.ts";
import type { TextCode } from "#render/compile/program.ts";
import { importedName } from "#render/compile/imported-name.ts";
import { resolveName, type Scope } from "#render/compile/scope.ts";
import type { Source } from "#render/compile/source.ts";
import type { Body } from "#render/compile/step.ts";
import type { TemplatePlace } from "#render/fault.ts";
import type { Slots } from "#render/run.ts";
import { joinOrigins, NO_ORIGINS, type Origins } from "#render/trace/origin.ts";
import type { SpanMark } from "#render/trace/spans.ts";
import type { Tracer } from "#render/trace/tracer.ts";

/** What a traced `if`, `switch` or `for` knows of itself beside its code. */
export type Choice = {
  readonly mark: SpanMark;
  /** Slots that its bodies may write: their values depend on the choice, also where nothing was written. */
  readonly assigned: readonly number[];
};

export const choiceOf = (place: TemplatePlace, bodies: readonly (readonly Statement[])[], scope: Scope): Choice => ({
  mark: { kind: "condition", place, isLinewise: bodies.every(isLinewise) },
  assigned: assignedSlots(bodies, scope),
});

function assignedSlots(bodies: readonly (readonly Statement[])[], scope: Scope): number[] {
  const names = bodies.reduce<ReadonlySet<string>>((all, body) => all.union(namesAssignedIn(body)), new Set());
  return [...new Set([...names].flatMap((name) => resolveName(name, scope).slots))];
}

/** Trees never change, and choices inside of choices ask again for the same. */
const known = new WeakMap<readonly unknown[], ReadonlySet<string>>();

function namesAssignedIn(nodes: readonly unknown[]): ReadonlySet<string> {
  let names = known.get(nodes);
  if (names === undefined) {
    const found = new Set<string>();
    for (const node of nodes) collectNames(node, found);
    known.set(nodes, (names = found));
  }
  return names;
}

function collectNames(node: unknown, names: Set<string>): void {
  if (Array.isArray(node)) {
    for (const name of namesAssignedIn(node)) names.add(name);
    return;
  }
  if (typeof node !== "object" || node === null || !("typename" in node)) return;
  const statement = node as Statement;
  if (statement.typename === "Macro" || statement.typename === "Block") return;
  if (statement.typename === "Set") {
    for (const target of statement.targets) if (target.typename === "Symbol") names.add(target.value);
  }
  if (statement.typename === "FromImport")
    for (const child of statement.names.children) names.add(importedName(child).alias);
  if (statement.typename === "Import" && statement.target.typename === "Symbol") names.add(statement.target.value);
  for (const child of Object.values(statement)) if (typeof child === "object") collectNames(child, names);
}

/** Statements that yield no text of their own. */
const SILENT: ReadonlySet<string> = new Set(["Set", "Macro", "Import", "FromImport", "Extends"]);

/** Whether a body is empty or ends with a line break whatever is chosen inside. */
export function isLinewise(statements: readonly Statement[]): boolean {
  for (const node of statements.toReversed()) {
    if (SILENT.has(node.typename)) continue;
    if (node.typename === "Output") {
      const last = node.children.at(-1);
      if (last?.typename !== "TemplateData") return false;
      if (last.value === "") continue;
      return last.value.endsWith("\n");
    }
    if (!bodiesOf(node)?.every(isLinewise)) return false;
  }
  return true;
}

function bodiesOf(node: Statement): (readonly Statement[])[] | null {
  switch (node.typename) {
    case "NodeList":
      return [node.children];
    case "If":
    case "IfAsync":
      return [node.body.children, node.else_ === null ? [] : [node.else_]];
    case "For":
    case "AsyncEach":
    case "AsyncAll":
      return [node.body.children, node.else_?.children ?? []];
    default:
      return null;
  }
}

/** Runs the chosen body under its condition, and records the condition for all that it put out. */
export function runChoice(
  tracer: Tracer,
  slots: Slots,
  made: { choice: Choice; origins: Origins; body: Body },
): string {
  const { choice, origins, body } = made;
  const start = tracer.offset;
  const outer = tracer.control;
  tracer.control = joinOrigins(outer, origins);
  const text = body.run(slots);
  tracer.control = outer;
  const traced = slots[0].origins;
  if (traced !== null && origins !== NO_ORIGINS) {
    const all = choice.assigned.length === 0 ? NO_ORIGINS : joinOrigins(origins, tracer.control);
    for (const slot of choice.assigned) traced[slot] = joinOrigins(all, traced[slot] ?? NO_ORIGINS);
  }
  tracer.addCondition(choice.mark, start, origins);
  return text;
}

export type TracedArm = { readonly condition: Source; readonly body: Body };

/** Arms are tried in order; all conditions that were asked decide. */
export function tracedIf(arms: readonly TracedArm[], otherwise: Body, choice: Choice): TextCode {
  return (slots) => {
    const { tracer } = slots[0].run;
    if (tracer === null) return "";
    let origins: Origins = NO_ORIGINS;
    let body = otherwise;
    for (const arm of arms) {
      const outer = tracer.startReading();
      const holds = arm.condition.read(slots);
      origins = joinOrigins(origins, tracer.stopReading(outer));
      if (!holds) continue;
      body = arm.body;
      break;
    }
    return runChoice(tracer, slots, { choice, origins, body });
  };
}
