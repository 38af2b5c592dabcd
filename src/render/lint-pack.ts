import type { Finding } from "#core/finding.ts";
import { LINT_RULES, type LintContext } from "#render/analyze/lint-rules.ts";
import { PathReader } from "#render/analyze/read-paths.ts";
import { SchemaPaths } from "#render/analyze/schema-paths.ts";
import { walkNodes } from "#render/analyze/walk.ts";
import type { CompiledPack } from "#render/compile-pack.ts";
import { placeOf, TemplateFault } from "#render/fault.ts";
import { findingOfFault, sortedFindings } from "#render/finding-of-fault.ts";

/**
 * Warns of what Nunjucks accepts in silence and means otherwise than somebody who knows Jinja would think. Each warning has a code, its
 * place, and the spelling that says what was meant.
 */
export function lintPack(compiled: CompiledPack): Finding[] {
  const schema = new SchemaPaths(compiled.pack.schema);
  const findings: Finding[] = [];
  for (const [template, { root }] of compiled.trees) {
    const reader = new PathReader(root.children);
    walkNodes(root, (node, parents) => {
      const context: LintContext = { parents, reader, schema, isJinja: compiled.isJinja };
      for (const rule of LINT_RULES) {
        const hit = rule.check(node, context);
        if (hit === null) continue;
        const { code, action } = rule;
        const fault = new TemplateFault({ code, message: hit, action, place: placeOf(template, node) });
        findings.push({ ...findingOfFault(fault, compiled.sources), severity: "warning" });
      }
    });
  }
  return sortedFindings(findings);
}
