import type { Check } from "#quadlet/checks/check.ts";
import { syntaxFindings } from "#quadlet/syntax-findings.ts";

/** Lines that the generator cannot read: it then drops every unit of the folder. */
export const unitSyntax: Check = { code: "unit_syntax", ofBundle: ({ bundle }) => syntaxFindings(bundle) };
