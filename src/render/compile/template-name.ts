import type { Extends, FromImport, Import, Include } from "#render/ast.ts";
import type { Program } from "#render/compile/program.ts";
import { sourceOf } from "#render/compile/source.ts";
import type { Scope } from "#render/compile/scope.ts";
import { TemplateFault } from "#render/fault.ts";
import type { Slots } from "#render/run.ts";
import { textOf } from "#render/values/text.ts";

type Naming = Extends | FromImport | Import | Include;

/** Finds the template that a statement names, inside the pack; null where it is missing and may be. */
export function templateCode(node: Include, scope: Scope): (slots: Slots) => Program | null;
export function templateCode(node: Exclude<Naming, Include>, scope: Scope): (slots: Slots) => Program;
export function templateCode(node: Naming, scope: Scope): (slots: Slots) => Program | null {
  const { compiler } = scope;
  const source = sourceOf(compiler.operand(node.template, scope));
  const { template } = compiler;
  const mayMiss = node.typename === "Include" && node.ignoreMissing === true;
  const place = compiler.place(node);
  // A pack never changes, and this code belongs to one pack and variant: the last answer stays right.
  let lastName: unknown;
  let last: Program | null = null;
  return (slots) => {
    const name = source.read(slots);
    if (last !== null && lastName === name) return last;
    const program = slots[0].run.host.find(name, template);
    if (program === null) {
      if (mayMiss) return null;
      throw missingTemplate(textOf(name), place);
    }
    lastName = name;
    last = program;
    return program;
  };
}

export const missingTemplate = (name: string, place: TemplateFault["place"]) =>
  new TemplateFault({
    code: "template_not_found",
    message: `template not found: ${name}`,
    action: "Names are relative to this file or to templates/, inside the pack.",
    place,
  });
