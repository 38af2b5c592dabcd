import { type Api, ApiRefusal } from "../api/client.ts";
import { Configuration } from "../api/shapes.ts";

export type Found = { configuration: Configuration; etag: string };
type Where = { name: string; namespace?: string | undefined };

/** A configuration with the ETag that goes into If-Match. Throws where there is none. */
export async function readConfiguration(api: Api, { name, namespace }: Where): Promise<Found> {
  const path = `/configurations/${encodeURIComponent(name)}`;
  const { data, headers } = await api.call({ path, query: { namespace }, shape: Configuration });
  return { configuration: data, etag: headers.get("etag") ?? `"${data.version}"` };
}

/** The same, or null where the name is free. */
export async function findConfiguration(api: Api, where: Where): Promise<Found | null> {
  try {
    return await readConfiguration(api, where);
  } catch (cause) {
    if (cause instanceof ApiRefusal && cause.code === "configuration_not_found") return null;
    throw cause;
  }
}
