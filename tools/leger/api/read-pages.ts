import type { z } from "zod";
import type { Api, Query } from "./client.ts";

const PAGE_ITEMS = 100;

/** All pages of a list, up to `itemsMax`; the cursor is the server's. */
export async function readPages<P extends { next_cursor: string | null }, T>(
  api: Api,
  of: { path: string; query?: Query; shape: z.ZodType<P>; items: (page: P) => readonly T[]; itemsMax?: number },
): Promise<T[]> {
  const found: T[] = [];
  const max = of.itemsMax ?? 100_000;
  let cursor: string | undefined;
  do {
    const limit = Math.min(PAGE_ITEMS, max - found.length);
    const { data } = await api.call({ path: of.path, query: { ...of.query, limit, cursor }, shape: of.shape });
    found.push(...of.items(data));
    cursor = data.next_cursor ?? undefined;
  } while (cursor !== undefined && found.length < max);
  return found.slice(0, max);
}
