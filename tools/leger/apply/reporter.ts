import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { Api } from "../api/client.ts";
import { ReportAnswer } from "../api/shapes.ts";
import { CliError, EXIT } from "../cli-error.ts";
import { dataFolder, writePrivately } from "../settings.ts";
import { bootId } from "./system.ts";

export type ReportItem = { name: string; state: "ok" | "running" | "failed" | "skipped"; at: string; detail?: string };
export type ReportState = "fetched" | "written" | "generated" | "started" | "healthy" | "failed" | "removed";
export type Report = {
  version: number;
  manifest_sha256: string;
  state: ReportState;
  drifted: boolean;
  steps: ReportItem[];
  units: ReportItem[];
  error: string | null;
};

const Numbered = z.looseObject({ boot_id: z.string(), sequence: z.int() });
const Outbox = z.object({ next: z.int().nonnegative(), unsent: z.array(Numbered) });

const UNSENT_MAX = 100;

/**
 * Says what this machine proved. A report gets its number and is written down before it is sent, so that what could not be sent now is sent
 * by the next run, in order; no failure of reporting stops an installation. The server sorts out what comes late or twice.
 */
export function makeReporter(api: Api, warn: (text: string) => void) {
  const file = path.join(dataFolder(), "reports.json");
  const outbox = readOutbox(file);
  const boot_id = bootId();
  const save = () => writePrivately(file, `${JSON.stringify(outbox)}\n`);
  let isSilent = false;

  const flush = async () => {
    while (outbox.unsent.length > 0 && !isSilent) {
      try {
        await api.call({ method: "POST", path: "/deployments/report", body: outbox.unsent[0], shape: ReportAnswer });
      } catch (cause) {
        if (!(cause instanceof CliError)) throw cause;
        if (cause.exit === EXIT.unreachable || cause.exit === EXIT.signed_out) {
          isSilent = true; // for this run: the server is away, and each try would cost its patience
          warn(`The report is kept for the next run: ${cause.message}`);
          return;
        }
        warn(`A report was refused: ${cause.message}`); // it would be refused again
      }
      outbox.unsent.shift();
      save();
    }
  };

  return {
    async report(report: Report): Promise<void> {
      outbox.unsent = [...outbox.unsent, { boot_id, sequence: outbox.next, ...report }].slice(-UNSENT_MAX);
      outbox.next += 1;
      save();
      await flush();
    },
  };
}

/** Without a file the count starts at the clock, above whatever was counted before the file was lost. */
function readOutbox(file: string): z.infer<typeof Outbox> {
  try {
    return Outbox.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return { next: Math.floor(Date.now() / 1000), unsent: [] };
  }
}
