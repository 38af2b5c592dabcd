import type { AnyNode, Expr, Statement } from "#render/ast.ts";
import { importedName } from "#render/compile/imported-name.ts";
import { childNodes } from "#render/analyze/walk.ts";

/** A value that a template reads from its context: `["networking", "base_domain"]`; `*` stands for any member. */
export type ContextPath = readonly string[];
export type Read = { readonly path: ContextPath; readonly node: Expr };

/** What a variable of the template stands for: a part of the context, or something of its own. */
type Binding = ContextPath | null;

/** What a loop or macro binds: names that meant nothing around it, and what the others meant there. */
type InnerScope = { readonly added: Set<string>; readonly changed: Map<string, Binding> };

/**
 * Everything that a template reads from its context, wherever it stands: through variables that were set to a part of it and loops
 * over a part of it too. A computed key reads any member.
 */
export class PathReader {
  readonly reads: Read[] = [];
  /** Names that the template gives to values itself, anywhere. */
  readonly ownNames = new Set<string>();
  readonly #bindings = new Map<string, Binding>();
  #inner: InnerScope = { added: new Set(), changed: new Map() };

  /** `around`: names that templates which include this one may give it. */
  constructor(statements: readonly Statement[], around: ReadonlySet<string> = new Set()) {
    for (const name of around) this.#bindings.set(name, null);
    for (const statement of statements) this.#visit(statement);
  }

  /** The context path of an expression, or null for a computed value. */
  pathOf(node: Expr): ContextPath | null {
    if (node.typename === "Group")
      return node.children.length === 1 && node.children[0] ? this.pathOf(node.children[0]) : null;
    if (node.typename === "Symbol") {
      const binding = this.#bindings.get(node.value);
      return binding === undefined ? [node.value] : binding;
    }
    if (node.typename !== "LookupVal") return null;
    const target = this.pathOf(node.target);
    if (target === null) return null;
    const isStatic = node.val.typename === "Literal" && typeof node.val.value === "string";
    return [...target, isStatic ? String((node.val as { value: unknown }).value) : "*"];
  }

  #bind(name: string, binding: Binding): void {
    const { added, changed } = this.#inner;
    const before = this.#bindings.get(name);
    if (before === undefined) added.add(name);
    else if (!added.has(name) && !changed.has(name)) changed.set(name, before);
    this.ownNames.add(name);
    this.#bindings.set(name, binding);
  }

  #visit(node: AnyNode): void {
    switch (node.typename) {
      case "Symbol":
      case "LookupVal":
        this.#read(node);
        return;
      case "Set":
        if (node.value !== null) this.#visit(node.value);
        if (node.body !== undefined) this.#visit(node.body);
        for (const target of node.targets) {
          if (target.typename === "Symbol")
            this.#bind(target.value, node.value === null ? null : this.pathOf(node.value));
        }
        return;
      case "For":
      case "AsyncEach":
      case "AsyncAll":
        this.#visitFor(node);
        return;
      case "Macro":
      case "Caller":
        this.#visitMacro(node);
        return;
      case "Import":
        this.#visit(node.template);
        if (node.target.typename === "Symbol") this.#bind(node.target.value, null);
        return;
      case "FromImport":
        this.#visit(node.template);
        for (const child of node.names.children) this.#bind(importedName(child).alias, null);
        return;
      case "Filter":
        for (const arg of node.args.children) this.#visit(arg);
        return;
      case "Is":
        this.#visit(node.left);
        if (node.right.typename === "FunCall") this.#visit(node.right.args);
        return;
      case "Pair":
        this.#visit(node.value);
        return;
      case "Block":
        this.#visit(node.body);
        return;
      default:
        for (const child of childNodes(node)) this.#visit(child);
    }
  }

  #read(node: Expr): void {
    const path = this.pathOf(node);
    if (path !== null) this.reads.push({ path, node });
    for (let at: Expr = node; at.typename === "LookupVal"; at = at.target) {
      if (at.val.typename !== "Literal") this.#visit(at.val);
      if (at.target.typename !== "LookupVal" && at.target.typename !== "Symbol") this.#visit(at.target);
    }
  }

  #visitFor(node: Extract<AnyNode, { arr: Expr }>): void {
    this.#visit(node.arr);
    const list = this.pathOf(node.arr);
    const names = node.name.typename === "Symbol" ? [node.name] : node.name.children;
    this.#inScope(() => {
      this.#bind("loop", null);
      names.forEach((name, index) => {
        const isItem = list !== null && index === names.length - 1;
        if (name.typename === "Symbol") this.#bind(name.value, isItem ? [...list, "*"] : null);
      });
      this.#visit(node.body);
    });
    if (node.else_ !== null) this.#visit(node.else_);
  }

  #visitMacro(node: Extract<AnyNode, { typename: "Macro" | "Caller" }>): void {
    if (node.typename === "Macro" && node.name.typename === "Symbol") this.#bind(node.name.value, null);
    this.#inScope(() => {
      this.#bind("caller", null);
      for (const arg of node.args.children) {
        if (arg.typename === "Symbol") this.#bind(arg.value, null);
        if (arg.typename !== "KeywordArgs" && arg.typename !== "Dict") continue;
        for (const pair of arg.children) {
          this.#visit(pair.value);
          if (pair.key.typename === "Symbol") this.#bind(pair.key.value, null);
        }
      }
      this.#visit(node.body);
    });
  }

  /** Loop variables and parameters are gone after their body; what is set in it may stay. */
  #inScope(visit: () => void): void {
    const outer = this.#inner;
    const inner: InnerScope = { added: new Set(), changed: new Map() };
    this.#inner = inner;
    visit();
    this.#inner = outer;
    for (const [name, binding] of inner.changed) this.#bindings.set(name, binding);
    for (const name of inner.added) outer.added.add(name);
  }
}
