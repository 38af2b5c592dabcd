/**
 * The parsed template, in the shapes of Nunjucks' own parser (3.2.4, `nunjucks/src/nodes.js`): a `typename`, a position
 * (lines and columns from 0) and the fields of that type. The engine compiles this tree; nothing in it is ever changed.
 */
type NodeOf<T extends string> = { readonly typename: T; readonly lineno: number; readonly colno: number };
/** `weight`: how many tokens run each time it runs, without the bodies in it that run, and are charged, on their own. */
type Weighed = { readonly weight: number };

export type Literal = NodeOf<"Literal"> & { readonly value: string | number | boolean | null | RegExp };
export type SymbolNode = NodeOf<"Symbol"> & { readonly value: string };
/** `skippedLines`: line breaks that white-space control took from its start, so that its position is that many lines before. */
export type TemplateData = NodeOf<"TemplateData"> & { readonly value: string; readonly skippedLines?: number };
export type Group = NodeOf<"Group"> & { readonly children: readonly Expr[] };
export type ArrayNode = NodeOf<"Array"> & { readonly children: readonly Expr[] };
export type Pair = NodeOf<"Pair"> & { readonly key: Expr; readonly value: Expr };
export type Dict = NodeOf<"Dict"> & { readonly children: readonly Pair[] };
export type KeywordArgs = NodeOf<"KeywordArgs"> & { readonly children: readonly Pair[] };
export type LookupVal = NodeOf<"LookupVal"> & { readonly target: Expr; readonly val: Expr };
/** `list[start:stop:step]`: Nunjucks has it in its Jinja compatibility mode only. */
export type Slice = NodeOf<"Slice"> & { readonly start: Expr; readonly stop: Expr; readonly step: Expr };
export type InlineIf = NodeOf<"InlineIf"> & { readonly cond: Expr; readonly body: Expr; readonly else_: Expr | null };
export type FunCall = NodeOf<"FunCall"> & { readonly name: Expr; readonly args: ExprList };
export type FilterNode = NodeOf<"Filter"> & { readonly name: SymbolNode; readonly args: ExprList };
export type ExprList = NodeOf<"NodeList"> & { readonly children: readonly Expr[] };
export type Caller = NodeOf<"Caller"> &
  Weighed & { readonly name: SymbolNode; readonly args: ExprList; readonly body: NodeList };
export type Capture = NodeOf<"Capture"> & { readonly body: NodeList };
export type BinaryType = "In" | "Or" | "And" | "Add" | "Concat" | "Sub" | "Mul" | "Div" | "FloorDiv" | "Mod" | "Pow";
export type Binary = NodeOf<BinaryType> & { readonly left: Expr; readonly right: Expr };
export type Is = NodeOf<"Is"> & { readonly left: Expr; readonly right: Expr };
export type Unary = NodeOf<"Not" | "Neg" | "Pos"> & { readonly target: Expr };
export type CompareType = "==" | "===" | "!=" | "!==" | "<" | ">" | "<=" | ">=";
export type CompareOperand = NodeOf<"CompareOperand"> & { readonly expr: Expr; readonly type: CompareType };
export type Compare = NodeOf<"Compare"> & { readonly expr: Expr; readonly ops: readonly CompareOperand[] };

export type Expr =
  | Literal
  | SymbolNode
  | TemplateData
  | Group
  | ArrayNode
  | Dict
  | KeywordArgs
  | LookupVal
  | Slice
  | InlineIf
  | FunCall
  | FilterNode
  | ExprList
  | Caller
  | Capture
  | Binary
  | Is
  | Unary
  | Compare;

export type NodeList = NodeOf<"NodeList"> & { readonly children: readonly Statement[] };
/** `setInside`: names that loops and call bodies in it set; those variables are apart from the context's (see scope.ts). */
export type Root = NodeOf<"Root"> &
  Weighed & { readonly children: readonly Statement[]; readonly setInside: ReadonlySet<string> };
export type Output = NodeOf<"Output"> & { readonly children: readonly Expr[] };
/** `ifAsync`, `asyncEach` and `asyncAll` are read as their plain forms: nothing in this engine waits. */
export type If = NodeOf<"If" | "IfAsync"> & {
  readonly cond: Expr;
  readonly body: NodeList;
  readonly else_: If | NodeList | null;
};
export type For = NodeOf<"For" | "AsyncEach" | "AsyncAll"> &
  Weighed & {
    readonly arr: Expr;
    readonly name: SymbolNode | ArrayNode;
    readonly body: NodeList;
    readonly else_: NodeList | null;
  };
export type SetNode = NodeOf<"Set"> & {
  readonly targets: readonly Expr[];
  readonly value: Expr | null;
  readonly body?: Capture;
};
export type Case = NodeOf<"Case"> & { readonly cond: Expr; readonly body: NodeList };
export type Switch = NodeOf<"Switch"> & {
  readonly expr: Expr;
  readonly cases: readonly Case[];
  readonly default: NodeList | null;
};
export type Macro = NodeOf<"Macro"> &
  Weighed & { readonly name: Expr; readonly args: ExprList; readonly body: NodeList };
export type Block = NodeOf<"Block"> &
  Weighed & { readonly name: SymbolNode; readonly body: NodeList; readonly setInside: ReadonlySet<string> };
export type Extends = NodeOf<"Extends"> & { readonly template: Expr };
export type Include = NodeOf<"Include"> & { readonly template: Expr; readonly ignoreMissing: boolean | null };
export type Import = NodeOf<"Import"> & {
  readonly template: Expr;
  readonly target: Expr;
  readonly withContext: boolean | null;
};
export type FromImport = NodeOf<"FromImport"> & {
  readonly template: Expr;
  readonly names: NodeOf<"NodeList"> & { readonly children: readonly (SymbolNode | Pair)[] };
  readonly withContext: boolean | null;
};

export type Statement =
  | NodeList
  | Output
  | If
  | For
  | SetNode
  | Switch
  | Macro
  | Block
  | Extends
  | Include
  | Import
  | FromImport;

export type AnyNode = Expr | Statement | Root | Pair | CompareOperand | Case;
