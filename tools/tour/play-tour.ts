import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ROOT } from "../start/local-worker.ts";
import type { Stack } from "./local-stack.ts";
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
    const shown = await runStep(step.command, {
      folder: machine.home,
      env: { ...machine.env, ...env },
      url: stack.url,
    });
    played.push({ ...step, shown });
  }
  return played;
}
