import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

type Table = { name: string };
type Column = { name: string; type: string; pk: number };
type ForeignKey = { table: string; from: string };

/** Mermaid's ER diagram of the migrated schema: it runs the migrations in SQLite and asks for what came of them. */
export function dataModelDiagram(migrations: string): string {
  const database = new DatabaseSync(":memory:");
  for (const file of readdirSync(migrations).toSorted())
    database.exec(readFileSync(path.join(migrations, file), "utf8"));
  const tables = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .all() as unknown as Table[];
  const lines = ["erDiagram"];
  for (const { name } of tables) {
    const columns = database
      .prepare(`SELECT name, type, pk FROM pragma_table_info('${name}')`)
      .all() as unknown as Column[];
    const keys = database
      .prepare(`SELECT "table", "from" FROM pragma_foreign_key_list('${name}') ORDER BY "from"`)
      .all() as unknown as ForeignKey[];
    const foreign = new Set(keys.map(({ from }) => from));
    lines.push(`  ${name} {`);
    for (const column of columns) {
      const marks = [column.pk > 0 ? "PK" : "", foreign.has(column.name) ? "FK" : ""].filter(Boolean).join(", ");
      lines.push(`    ${column.type} ${column.name}${marks && ` ${marks}`}`);
    }
    lines.push("  }");
    for (const key of keys) lines.push(`  ${key.table} ||--o{ ${name} : ${key.from}`);
  }
  database.close();
  return lines.join("\n");
}
