import { didYouMean } from "#core/did-you-mean.ts";
import type { Finding } from "#core/finding.ts";
import { deadBranches } from "#render/analyze/dead-branches.ts";
import { type ContextPath, PathReader, type Read } from "#render/analyze/read-paths.ts";
import { SchemaPaths } from "#render/analyze/schema-paths.ts";
import { walkNodes } from "#render/analyze/walk.ts";
import type { CompiledPack } from "#render/compile-pack.ts";
import { placeOf, TemplateFault } from "#render/fault.ts";
import { findingOfFault, sortedFindings } from "#render/finding-of-fault.ts";
import { GLOBALS } from "#render/globals.ts";
import { candidatePaths } from "#render/pack-paths.ts";

export type TemplateReference = {
  readonly from: string;
  readonly kind: "include" | "import" | "extends";
  /** Path in the pack; null where the name is computed. */
  readonly to: string | null;
  readonly line: number;
};

export type PackAnalysis = {
  /** Per template the context paths that it reads, sorted: `networking.base_domain`; `*` is any member. */
  readonly variables: Readonly<Record<string, readonly string[]>>;
  readonly references: readonly TemplateReference[];
  /** `unknown_variable`, `unused_decision`, `branch_never_taken`: nothing was rendered to know them. */
  readonly findings: readonly Finding[];
};

const PROVIDED: ReadonlySet<string> = new Set([
  ...Object.keys(GLOBALS),
  "readFile",
  "secret",
  "super",
  "caller",
  "True",
  "False",
  "None",
]);

const analyses = new WeakMap<CompiledPack, PackAnalysis>();

/**
 * Reads a pack without rendering it: what its templates use, what nobody provides, and what reaches nothing. Admission asks twice
 * for one pack, which never changes.
 */
export function analyzePack(compiled: CompiledPack): PackAnalysis {
  let analysis = analyses.get(compiled);
  if (!analysis) analyses.set(compiled, (analysis = analyze(compiled)));
  return analysis;
}

function analyze(compiled: CompiledPack): PackAnalysis {
  const schema = new SchemaPaths(compiled.pack.schema);
  const references = [...compiled.trees].flatMap(([path, tree]) => referencesOf(compiled, path, tree));
  const around = namesAround(compiled, references);
  const variables: Record<string, readonly string[]> = {};
  const faults: TemplateFault[] = [];
  const paths: ContextPath[] = [];
  for (const [template, { root }] of compiled.trees) {
    const reader = new PathReader(root.children, around.get(template));
    const reads = reader.reads.filter(({ path }) => !PROVIDED.has(path[0] ?? ""));
    variables[template] = [...new Set(reads.map(({ path }) => path.join(".")))].toSorted();
    paths.push(...reads.map(({ path }) => path));
    faults.push(...reads.flatMap((read) => unknownVariable(template, read, schema)));
    walkNodes(root, (node, parents) => {
      const isElseIf = parents.at(-1)?.typename === node.typename;
      if ((node.typename !== "If" && node.typename !== "IfAsync") || isElseIf) return;
      for (const { node: condition, reason } of deadBranches(node, reader, schema)) {
        faults.push(
          new TemplateFault({
            code: "branch_never_taken",
            message: `this branch is never taken: ${reason}`,
            action: "Correct the value, or remove the branch.",
            place: placeOf(template, condition),
          }),
        );
      }
    });
  }
  const findings = faults.map((fault) => asWarning(findingOfFault(fault, compiled.sources)));
  return { variables, references, findings: sortedFindings([...findings, ...unusedDecisions(paths, schema)]) };
}

const asWarning = (finding: Finding): Finding =>
  finding.code === "branch_never_taken" ? { ...finding, severity: "warning" } : finding;

type Tree = CompiledPack["trees"] extends ReadonlyMap<string, infer T> ? T : never;

const KINDS = { Include: "include", Import: "import", FromImport: "import", Extends: "extends" } as const;

function referencesOf(compiled: CompiledPack, from: string, tree: Tree): TemplateReference[] {
  return tree.references.map((node) => {
    const name = node.template.typename === "Literal" ? String(node.template.value) : null;
    const to = name === null ? undefined : candidatePaths(name, from).find((path) => compiled.trees.has(path));
    return { from, kind: KINDS[node.typename], to: to ?? null, line: node.lineno + 1 };
  });
}

/** Names that a template may get from those that load it: with their context come their variables. */
function namesAround(compiled: CompiledPack, references: readonly TemplateReference[]): Map<string, Set<string>> {
  const around = new Map<string, Set<string>>([...compiled.trees.keys()].map((path) => [path, new Set()]));
  const targets = new Map<string, Set<string>>([...compiled.trees.keys()].map((path) => [path, new Set()]));
  for (const { from, to } of references) if (to !== null) targets.get(from)?.add(to);
  // Names travel along chains of references; what is new to a template travels on.
  const travelling = [...compiled.trees].map(([from, { root }]) => ({
    from,
    names: [...new PathReader(root.children).ownNames],
  }));
  for (let next = travelling.pop(); next !== undefined; next = travelling.pop()) {
    for (const to of targets.get(next.from) ?? []) {
      const known = around.get(to);
      const names = next.names.filter((name) => known?.has(name) === false);
      for (const name of names) known?.add(name);
      if (names.length > 0) travelling.push({ from: to, names });
    }
  }
  return around;
}

function unknownVariable(template: string, { path, node }: Read, schema: SchemaPaths): TemplateFault[] {
  const place = schema.at(path);
  if (place.kind !== "missing") return [];
  const name = path[place.index] ?? "";
  const guess = didYouMean(name, place.candidates);
  return [
    new TemplateFault({
      code: "unknown_variable",
      message: `no decision provides \`${path.join(".")}\`${guess === null ? "" : `; did you mean \`${guess}\`?`}`,
      action: "Correct the name, or add the decision to schema.json.",
      place: placeOf(template, node),
    }),
  ];
}

/** Decisions that no template reads and that decide over none that is read. */
function unusedDecisions(paths: readonly ContextPath[], schema: SchemaPaths): Finding[] {
  const read = paths.map((path) => (path[0] === "config" ? path.slice(1) : path));
  const isRead = (decision: readonly string[]) =>
    read.some(
      (path) => path.every((key, index) => key === "*" || key === decision[index]) || startsWith(path, decision),
    );
  const rules = schema.rules();
  const reaches = (decision: string, seen: ReadonlySet<string>): boolean => {
    if (seen.has(decision)) return false;
    if (isRead(decision.split("."))) return true;
    const next = new Set([...seen, decision]);
    return rules.some(({ controller, controlled }) => controller === decision && reaches(controlled, next));
  };
  return schema
    .leaves()
    .filter((leaf) => !reaches(leaf.join("."), new Set()))
    .map((leaf) => ({
      code: "unused_decision",
      severity: "warning" as const,
      message: `\`${leaf.join(".")}\` reaches no template`,
      action: "Use it in a template, or remove it from schema.json.",
      decision: `/${leaf.join("/")}`,
    }));
}

const startsWith = (path: ContextPath, decision: readonly string[]) =>
  decision.every((key, index) => path[index] === key || path[index] === "*");
