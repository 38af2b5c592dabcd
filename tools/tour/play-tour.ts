import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../start/local-worker.ts";
import { CAREFUL, DECISIONS, FIRST_RELEASE } from "../start/release-story.ts";
import type { Machine, Stack } from "./local-stack.ts";
import { type Step, TOUR_PAGE, readSteps, runStep } from "./replay.ts";
import { standIn } from "./stand-in-machine.ts";

const EXAMPLE = path.join(ROOT, "templates-fixtures/leger/v1.0.0/cases/document-000/config.json");

/**
 * Runs the commands of docs/tour.md, one after the other, on a machine where nothing was done yet; the workspace must be empty too. Answers
 * what each printed, beside what the page shows.
 */
export async function playTour(stack: Stack): Promise<(Step & { shown: string })[]> {
  const machine = stack.machine("tour", "alice-server");
  const { env } = standIn(machine, "chat");
  writeFileSync(machine.file("example.json"), readFileSync(EXAMPLE));
  const leger = path.join(ROOT, "tools/leger/leger.mjs");
  writeFileSync(path.join(machine.bin, "leger"), `#!/bin/sh\nexec "${process.execPath}" "${leger}" "$@"\n`, {
    mode: 0o755,
  });
  const played: (Step & { shown: string })[] = [];
  for (const step of readSteps(readFileSync(TOUR_PAGE, "utf8"))) {
    if (step.command === FIRST_OF_UPDATE) await releaseTo(stack, machine);
    const shown = await runStep(step.command, {
      folder: machine.home,
      env: { ...machine.env, ...env },
      url: stack.url,
    });
    played.push({ ...step, shown });
  }
  return played;
}

const FIRST_OF_UPDATE = "leger schema proposals";

/** What `npm start` has done before somebody follows the page by hand: a deployment that asks, and a release that it is asked about. */
async function releaseTo(stack: Stack, machine: Machine): Promise<void> {
  writeFileSync(machine.file("careful.json"), JSON.stringify(DECISIONS));
  const of = ["--file", "careful.json", "--schema", FIRST_RELEASE, "--range", ">=1.0.0"];
  const saved = await machine.leger(["config", "save", CAREFUL, ...of]);
  if (saved.code !== 0) throw new Error(saved.stderr);
  await stack.upstreams.control.publishRelease({ tag: "v2.0.0" });
  await stack.cron("7 * * * *");
  for (let tries = 0; tries < 100; tries++) {
    const { stdout } = await machine.leger(["schema", "proposals", "--json"]);
    if (stdout.includes(`"${CAREFUL}"`)) return;
    await sleep(100);
  }
  throw new Error(`nothing is proposed to ${CAREFUL}`);
}
