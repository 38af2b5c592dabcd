import { receiveWebhook } from "#actions/receive-webhook.ts";
import { readBytes } from "#api/bounded-body.ts";
import { createRoutes } from "#api/create-routes.ts";
import { githubWebhookRoute } from "#api/webhooks/contract.ts";

export const webhookRoutes = () => {
  const routes = createRoutes();
  // The contract's own reader would parse the body, and the signature is over its bytes: they are read here, before it.
  const { path } = githubWebhookRoute;
  routes.openAPIRegistry.registerPath(githubWebhookRoute);
  routes.post(path, async (c) => {
    const body = new Uint8Array(await readBytes(c.req.raw));
    const header = (name: string) => (c.req.header(name) ?? "").slice(0, HEADER_CHARS_MAX);
    const outcome = await receiveWebhook(c.get("deps"), {
      body,
      signature: header("x-hub-signature-256"),
      event: header("x-github-event"),
      deliveryId: header("x-github-delivery"),
    });
    return c.json({ success: true as const, data: { outcome } }, 202);
  });
  return routes;
};

const HEADER_CHARS_MAX = 200;
