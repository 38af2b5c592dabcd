/** Milliseconds of CPU that this process has used so far, with every thread of it: what the same work costs on one core. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
