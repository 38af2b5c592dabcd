import type { IncomingHttpHeaders } from "node:http";

/** One request after reading: `path` is the part behind the surface's prefix, still percent-encoded. */
export type Incoming = {
  readonly method: string;
  readonly url: URL;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
};

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

export type SurfaceName = "github" | "storage" | "web" | "tailscale" | "control";

/** One of the services that this server plays. Everything below `prefix` is its own. */
export type Surface = {
  readonly name: SurfaceName;
  readonly prefix: string;
  answer(request: Incoming): Answer | Promise<Answer>;
};

export type Params = Readonly<Record<string, string>>;

/**
 * A pattern is segments: `:name` takes one, `*name` (last) takes the rest with its slashes, as git refs have them.
 * Values arrive percent-decoded, so `tags%2Fv1.0.0` and `tags/v1.0.0` are one ref, as on GitHub.
 */
export type Route<Handler> = { readonly method: string; readonly pattern: string; readonly handle: Handler };

export function matchRoute<R extends Route<unknown>>(
  routes: readonly R[],
  request: { method: string; path: string },
): { route: R; params: Params } | undefined {
  const method = request.method === "HEAD" ? "GET" : request.method;
  for (const route of routes) {
    if (route.method !== method) continue;
    const params = matchPattern(route.pattern, request.path);
    if (params) return { route, params };
  }
  return undefined;
}

function matchPattern(pattern: string, path: string): Params | undefined {
  const wanted = pattern.split("/");
  const given = path.split("/");
  const params: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    if (segment.startsWith("*")) {
      const rest = given.slice(index).map(decodeSegment).join("/");
      return rest === "" ? undefined : { ...params, [segment.slice(1)]: rest };
    }
    const value = given[index];
    if (value === undefined) return undefined;
    if (segment.startsWith(":")) {
      if (value === "") return undefined;
      params[segment.slice(1)] = decodeSegment(value);
    } else if (segment !== value) {
      return undefined;
    }
  }
  return given.length === wanted.length ? params : undefined;
}

/** A malformed escape names nothing: it stays as it is and finds nothing. */
function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** A single header's value; node:http gives a list only for headers that may repeat. */
export function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

export const NO_BYTES = new Uint8Array();
const encoder = new TextEncoder();

export const jsonAnswer = (status: number, value: unknown): Answer => ({
  status,
  headers: { "content-type": "application/json; charset=utf-8" },
  body: encoder.encode(JSON.stringify(value)),
});

export const textAnswer = (status: number, text: string): Answer => ({
  status,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body: encoder.encode(text),
});
