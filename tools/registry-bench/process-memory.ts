import { readFileSync, readdirSync } from "node:fs";

/** Resident megabytes of the processes of one process group that run `workerd`: read from /proc, so on Linux only; 0 elsewhere. */
export function workerdMegabytes(groupId: number): number {
  return pids()
    .filter((pid) => {
      const [name, group] = statOf(pid);
      return group === groupId && name === "workerd";
    })
    .reduce((sum, pid) => sum + residentMegabytes(pid), 0);
}

function pids(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** Name and process group; a process that has ended meanwhile has neither. */
function statOf(pid: string): [string, number] {
  const text = read(`/proc/${pid}/stat`);
  const name = text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"));
  const [, , group] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return [name, Number(group)];
}

function residentMegabytes(pid: string): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`))?.[1];
  return Number(kilobytes ?? 0) / 1024;
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
