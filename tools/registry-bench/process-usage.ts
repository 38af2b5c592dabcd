import { readFileSync, readdirSync } from "node:fs";

/** What the `workerd` processes of a process group use together: resident megabytes now, and milliseconds of CPU so far. */
export type Usage = { megabytes: number; cpuMs: number };

/** Linux counts CPU in hundredths of a second wherever it shows it. */
const TICK_MS = 10;

/** Read from /proc, so on Linux only; elsewhere nothing is there to be counted. */
export function workerdUsage(groupId: number): Usage {
  const usage: Usage = { megabytes: 0, cpuMs: 0 };
  for (const pid of pids()) {
    const text = read(`/proc/${pid}/stat`);
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" "); // from `state`, the third of proc(5), on
    if (Number(fields[2]) !== groupId || !text.includes("(workerd)")) continue;
    usage.cpuMs += (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    usage.megabytes += Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024;
  }
  return usage;
}

function pids(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

/** Empty for a process that has ended meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
