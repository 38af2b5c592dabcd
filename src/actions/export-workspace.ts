import { linesOf } from "#actions/json-lines.ts";
import { readAs } from "#actions/read-as.ts";
import { toBase64 } from "#core/base64.ts";
import type { Caller } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { EXPORTED, exportedFiles } from "#store/export-store.ts";
import { uploadBlobs } from "#store/upload-blobs.ts";

const ROWS_PER_PAGE = 200;

/**
 * Everything that the workspace owns as JSON lines, each with its `kind`; the last is `end` with the number of lines, so
 * that an export which was cut off shows. Read page by page as the client takes it. What is saved meanwhile may come or
 * not; what is there at the start always comes. Uploaded files come with their bytes (null where the store lost them); those of a
 * render are made anew from its version, or fetched by its manifest. Secrets come by name.
 */
export async function exportWorkspace(deps: Deps, caller: Caller): Promise<ReadableStream<Uint8Array>> {
  await readAs(deps, { caller, permission: "workspace:export" });
  return linesOf(workspaceLines(deps, caller.workspaceId));
}

async function* workspaceLines(deps: Deps, workspace_id: string): AsyncGenerator<object> {
  const { db, clock } = deps;
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
  for await (const file of uploadedFiles(deps, workspace_id)) {
    yield file;
    lines += 1;
  }
  yield { kind: "end", lines };
}

async function* uploadedFiles({ db, files }: Deps, workspace_id: string): AsyncGenerator<object> {
  let after = "";
  for (;;) {
    const rows = await exportedFiles.all(db, { workspace_id, after, limit: ROWS_PER_PAGE });
    for (const { sha256 } of rows) {
      const bytes = await uploadBlobs.get(files, { workspaceId: workspace_id, sha256 });
      yield { kind: "file", sha256, base64: bytes && toBase64(bytes) };
    }
    const last = rows.at(-1);
    if (!last || rows.length < ROWS_PER_PAGE) return;
    after = last.cursor;
  }
}
