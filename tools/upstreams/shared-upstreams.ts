import path from "node:path";
import { type Upstreams, startUpstreams } from "./start-upstreams.ts";

/**
 * GitHub and Tailscale for the tests in workerd: the same server as `npm start` has, in Vitest's own process. It is started
 * while the configuration is read, because the worker's bindings hold its address; the global teardown ends it.
 */
const holder = globalThis as { upstreams?: Promise<Upstreams> };

export function sharedUpstreams(): Promise<Upstreams> {
  holder.upstreams ??= startUpstreams({
    fixtures: path.join(import.meta.dirname, "../../templates-fixtures"),
    // v2.0.0 breaks on purpose: a test that wants it publishes it
    repositories: [{ fullName: "leger-run/leger-templates", fixtures: "leger", published: ["v1.0.0", "v1.1.0"] }],
  });
  return holder.upstreams;
}

export default async function setup() {
  const upstreams = await sharedUpstreams();
  return () => upstreams.close();
}
