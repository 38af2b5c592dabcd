import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { Random } from "./engine/random.ts";
import { type Surface, authSurfaces, isAcceptedBy } from "./fuzz/auth-surfaces.ts";
import { openFuzzWorld } from "./fuzz/fuzz-world.ts";

/**
 * `npm run fuzz:auth -- --count N [--seed S]`: changed tokens, proofs, nonces, id-tokens, links, seals and webhooks, each through the
 * verification itself and every tenth through the worker over HTTP. Exit 1 when one is accepted, answers 5xx or throws. The last
 * line is JSON.
 */
const HTTP_EVERY = 10;
const SHOWN_MAX = 20;

type Tally = { cases: number; accepted: number; errors_5xx: number };

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { count: { type: "string", default: "5000" }, seed: { type: "string", default: "1" } },
  });
  const count = Number(values.count);
  const folder = mkdtempSync(path.join(os.tmpdir(), "leger-fuzz-auth-"));
  const world = await openFuzzWorld(folder);
  const tally: Tally = { cases: 0, accepted: 0, errors_5xx: 0 };
  const perSurface = new Map<string, { cases: number; http: number; statuses: Record<number, number> }>();
  try {
    const surfaces = authSurfaces(world);
    for (const surface of surfaces) await requireOpen(surface);
    for (let index = 0; index < count; index++) {
      const surface = surfaces[index % surfaces.length];
      if (!surface) continue;
      const random = new Random(Number(values.seed) * 1_000_003 + index);
      const text = await surface.mutate(await surface.genuine(), random);
      const seen = perSurface.get(surface.name) ?? { cases: 0, http: 0, statuses: {} };
      perSurface.set(surface.name, seen);
      seen.cases++;
      await judge(surface, { text, tally });
      if (!surface.send || Math.floor(index / surfaces.length) % HTTP_EVERY !== 0 || !isHeader(text)) continue;
      const status = await surface.send(text);
      seen.http++;
      seen.statuses[status] = (seen.statuses[status] ?? 0) + 1;
      if (isAcceptedBy(surface, status)) report("accepted over HTTP", { surface, text, tally, as: "accepted" });
      if (status >= 500) report(`answered ${status}`, { surface, text, tally, as: "errors_5xx" });
    }
  } finally {
    await world.close();
    rmSync(folder, { recursive: true, force: true });
  }
  tally.cases = count;
  for (const [name, seen] of perSurface) console.log(`${name}: ${JSON.stringify(seen)}`);
  console.log(JSON.stringify(tally));
  process.exitCode = tally.accepted > 0 || tally.errors_5xx > 0 ? 1 : 0;
}

/** What is closed for everybody proves nothing. */
async function requireOpen(surface: Surface): Promise<void> {
  const genuine = await surface.genuine();
  if (!(await surface.accepts(genuine))) throw new Error(`${surface.name}: the genuine one is refused`);
  if (!surface.send || NEVER_SERVED.has(surface.name)) return;
  const status = await surface.send(genuine);
  if (!isAcceptedBy(surface, status)) throw new Error(`${surface.name}: the genuine one is answered ${status}`);
}

/** Good in this process, and of nobody whom the worker knows: over HTTP only 5xx are looked for. */
const NEVER_SERVED = new Set(["id-token", "generator's token"]);

async function judge(surface: Surface, { text, tally }: { text: string; tally: Tally }): Promise<void> {
  try {
    if (await surface.accepts(text)) report("accepted", { surface, text, tally, as: "accepted" });
  } catch (cause) {
    report(`threw ${String(cause)}`, { surface, text, tally, as: "errors_5xx" });
  }
}

function report(
  what: string,
  { surface, text, tally, as }: { surface: Surface; text: string; tally: Tally; as: "accepted" | "errors_5xx" },
): void {
  tally[as]++;
  if (tally[as] <= SHOWN_MAX) console.log(`${surface.name}: ${what}: ${text}`);
}

const isHeader = (text: string) => /^[\x21-\x7e]+$/.test(text);

await main();
