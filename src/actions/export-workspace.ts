import { linesOf } from "#actions/json-lines.ts";
import { readAs } from "#actions/read-as.ts";
import type { Caller } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { EXPORTED } from "#store/export-store.ts";

const ROWS_PER_PAGE = 200;

/**
 * Everything that the workspace owns as JSON lines, each with its `kind`; the last is `end` with the number of lines, so
 * that an export which was cut off shows. Read page by page as the client takes it. What is saved meanwhile may come or
 * not; what is there at the start always comes. The files of a version are fetched by its manifest.
 */
export async function exportWorkspace(deps: Deps, caller: Caller): Promise<ReadableStream<Uint8Array>> {
  await readAs(deps, { caller, permission: "workspace:export" });
  return linesOf(workspaceLines(deps, caller.workspaceId));
}

async function* workspaceLines({ db, clock }: Deps, workspace_id: string): AsyncGenerator<object> {
  yield { kind: "leger-export", format: 1, workspace_id, exported_at: toInstant(clock.now()) };
  let lines = 2;
  for (const { kind, page, json } of EXPORTED) {
    let after = "";
    for (;;) {
      const rows = await page.all(db, { workspace_id, after, limit: ROWS_PER_PAGE });
      for (const row of rows) {
        const columns: Record<string, unknown> = { ...row };
        delete columns["cursor"];
        const parsed = json.map((name) => [name, JSON.parse(String(columns[name])) as unknown] as const);
        yield { kind, ...columns, ...Object.fromEntries(parsed) };
        lines += 1;
      }
      const last = rows.at(-1);
      if (!last || rows.length < ROWS_PER_PAGE) break;
      after = last.cursor;
    }
  }
  yield { kind: "end", lines };
}
