/** What the tools and tests use of Nunjucks 3.2.4, the oracle. The product does not import it. */
declare module "nunjucks" {
  export type LoadedSource = { src: string; path: string; noCache: boolean };
  export type Loader = { getSource(name: string): LoadedSource | null };
  export type Options = {
    autoescape?: boolean;
    throwOnUndefined?: boolean;
    trimBlocks?: boolean;
    lstripBlocks?: boolean;
  };
  export type Template = { render(context: object): string };
  export class Environment {
    constructor(loader: Loader | null, options?: Options);
    getTemplate(name: string, eager?: boolean): Template;
    renderString(source: string, context: object): string;
    addGlobal(name: string, value: unknown): this;
    addFilter(name: string, filter: (...args: never[]) => unknown): this;
  }
  export function installJinjaCompat(): void;
}

declare module "nunjucks/src/parser.js" {
  export function parse(source: string, extensions: unknown[], options: object): object;
}
