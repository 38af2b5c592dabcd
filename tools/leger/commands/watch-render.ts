import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs } from "../api/backoff.ts";
import { Render } from "../api/shapes.ts";
import { CliError, EXIT } from "../cli-error.ts";
import type { Cli } from "../leaf.ts";

/**
 * Asks about a render until it ends, with a line for each new state. A failed one ends as an error with its findings; one
 * that takes longer than `seconds` goes on without us, and is said to.
 */
export async function watchRender({ api, out }: Cli, of: { version: number; seconds: number }): Promise<Render> {
  const until = performance.now() + of.seconds * 1000;
  let said = "";
  for (let tries = 1; ; tries++) {
    const { data } = await api.call({ path: `/renders/${of.version}`, shape: Render });
    if (data.state === "failed") throw failed(data);
    if (data.state === "rendered" || data.state === "deleted") return data;
    if (data.state !== said) out.progress(`version ${of.version} is ${data.state}`);
    said = data.state;
    const pause = Math.min(2000, backoffMs(tries, 1, 100));
    if (performance.now() + pause > until)
      throw new CliError(EXIT.unfinished, {
        code: "render_unfinished",
        message: `Version ${of.version} is saved, and still ${data.state} after ${of.seconds} s.`,
        action: `It will be rendered without you. Look again: leger config history ${data.name}`,
      });
    await sleep(pause);
  }
}

const failed = ({ version, name, failure }: Render) =>
  new CliError(EXIT.failed, {
    code: failure?.code ?? "render_failed",
    message: `Version ${version} is saved, and cannot be rendered: ${failure?.message ?? "no reason was given"} Devices keep what they run.`,
    action: `Correct what the findings name and save again, or go back: leger config rollback ${name} VERSION`,
    details: failure?.findings ?? [],
  });
