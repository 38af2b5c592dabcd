import type { Context } from "hono";
import type { ApiEnv } from "#api/context.ts";
import { AppError } from "#core/errors.ts";

/** Scripts and styles of the page come from this origin only; Swagger UI draws its icons as data: images. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** What the page loads; the package has more, which is nobody's business. */
const ASSETS = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Leger API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });\n`;

/** The reference page: Swagger UI out of the deployed assets, under a policy that lets nothing else in. */
export async function referencePage(c: Context<ApiEnv>): Promise<Response> {
  const { pathname } = new URL(c.req.url);
  if (pathname === "/docs" || pathname === "/docs/")
    return c.body(PAGE, 200, { "content-type": "text/html; charset=utf-8", "content-security-policy": POLICY });
  if (pathname === "/docs/start.js") return c.body(START, 200, { "content-type": "text/javascript; charset=utf-8" });
  const file = ASSETS.find((name) => pathname === `/docs/${name}`);
  const asset = file === undefined ? null : await c.env.ASSETS.fetch(new URL(`/${file}`, c.req.url));
  if (asset?.ok) return new Response(asset.body, { headers: new Headers(asset.headers) });
  await asset?.body?.cancel();
  throw AppError.of("route_not_found", { path: `GET ${pathname}` });
}
