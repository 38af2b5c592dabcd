import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { TEMPLATES, startUpstreams } from "../upstreams/start-upstreams.ts";
import { ROOT, type LocalWorker, startLocalWorker } from "./local-worker.ts";
import { FIRST_RELEASE } from "./release-story.ts";
import { screen } from "./screen.ts";
import { ALICE, DEPLOYMENT, tour } from "./tour.ts";

const PORT = 8787;
const MINUTE_MS = 60_000;

/**
 * `npm start`: the product on this machine, with the two services it calls played by local stand-ins; the tour, then it
 * keeps serving. State stays in .leger/. `--exit` (npm run demo): the same on fresh state, and it ends.
 */
async function main(): Promise<void> {
  const startedAt = Date.now();
  const isDemo = process.argv.includes("--exit");
  const folder = isDemo ? mkdtempSync(path.join(os.tmpdir(), "leger-demo-")) : path.join(ROOT, ".leger");
  mkdirSync(folder, { recursive: true });
  screen.title("Leger: decisions in, verified Podman Quadlet files out");

  const upstreams = await startUpstreams({
    fixtures: path.join(ROOT, "templates-fixtures"),
    repositories: [{ ...TEMPLATES, published: [FIRST_RELEASE] }],
  });
  let worker: LocalWorker | null = null;
  const end = async (code: number) => {
    await worker?.stop();
    await upstreams.close();
    if (isDemo) rmSync(folder, { recursive: true, force: true });
    process.exit(code);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void end(0));

  try {
    const vars = {
      GITHUB_API_URL: upstreams.githubUrl,
      TAILSCALE_API_URL: upstreams.tailscaleUrl,
      TAILSCALE_ID_TOKEN_ISSUER: upstreams.idTokenIssuer,
      TAILSCALE_ID_TOKEN_JWKS_URL: upstreams.idTokenJwksUrl,
      OPERATOR_LOGINS: "alice@github",
    };
    worker = await screen.waiting("starting", (progress) => startLocalWorker({ folder, port: PORT, vars, progress }));
    screen.done(`the worker runs at ${worker.url}, with D1, KV, R2 and Queues, in ${screen.seconds(startedAt)}`);
    const token = await tour(worker, upstreams);
    if (isDemo) {
      screen.line();
      screen.done(`that was all of it, in ${screen.seconds(startedAt)}`);
      await end(0);
      return;
    }
    writeFileSync(path.join(folder, "token"), token, { mode: 0o600 });
    writeFileSync(path.join(folder, "claims.json"), `${JSON.stringify(ALICE)}\n`); // for leger login, where there is no Tailscale
    keepServing(worker);
  } catch (cause) {
    console.error(`\n${cause instanceof Error ? cause.message : String(cause)}`);
    await end(1);
  }
}

function keepServing(worker: LocalWorker): void {
  // Local cron never fires by itself: this plays it.
  setInterval(
    () => void worker.playCron("* * * * *").catch((cause: unknown) => console.error(String(cause))),
    MINUTE_MS,
  );
  const authorization = '-H "Authorization: Bearer $(cat .leger/token)"';
  screen.title(`Serving at ${worker.url} until you press Ctrl-C. Try, in another terminal:`);
  screen.line(`curl -s ${authorization} "${worker.url}/config/latest?deployment=${DEPLOYMENT}" | head -c 800`);
  screen.line(`curl -s ${authorization} ${worker.url}/config/1/bundle | tar tz`);
  screen.line(
    `curl -s ${authorization} ${worker.url}/configurations/${DEPLOYMENT}/versions | grep -o '"changes_summary":"[^"]*"'`,
  );
  screen.line(`curl -s ${authorization} ${worker.url}/proposals | grep -o '"deployment_name":"[^"]*"'`);
  screen.line(`LEGER_API_URL=${worker.url} npm run leger -- login --claims .leger/claims.json    # then docs/tour.md`);
  screen.line();
  screen.dim(`The API's reference: ${worker.url}/docs    Its log: ${path.relative(process.cwd(), worker.log)}`);
}

await main();
