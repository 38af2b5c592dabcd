import type { ApplyStep } from "./plan-apply.ts";
import { type Ran, complaint, podman, systemctl } from "./system.ts";

export type StepResult = { state: "ok" | "failed" | "skipped"; detail: string | null };

const result = (ran: Ran): StepResult =>
  ran.code === 0 ? { state: "ok", detail: null } : { state: "failed", detail: complaint(ran) };
const OK: StepResult = { state: "ok", detail: null };

/** systemctl's exit code for a unit that is not loaded (systemd.exec's LSB codes): it cannot be running. */
const NOT_LOADED = 5;

/**
 * Does one step of a plan, so that doing it twice does no harm: a killed run repeats the step that it was in. `install` is the
 * caller's.
 */
export async function runStep(step: ApplyStep, services: readonly string[]): Promise<StepResult> {
  const unit = `${step.target}.service`;
  if (step.is_implied) return { state: "skipped", detail: "systemd does it with what it requires" };
  switch (step.action) {
    case "pull":
      return result(await podman("pull", "--quiet", step.target));
    case "create_secret":
      return OK; // it is there: that was looked at before the first step
    case "stop": {
      const ran = await systemctl("stop", unit);
      return ran.code === NOT_LOADED ? OK : result(ran);
    }
    case "remove":
      return removeNetwork(step.target);
    case "recreate_network": {
      const stopped = await systemctl("stop", unit);
      if (stopped.code !== 0 && stopped.code !== NOT_LOADED) return result(stopped);
      const removed = await removeNetwork(step.resource ?? step.target);
      return removed.state === "ok" ? result(await systemctl("start", unit)) : removed;
    }
    case "start":
      return result(await systemctl("start", unit));
    case "restart":
      return result(await systemctl("restart", unit));
    case "reload":
      return result(await systemctl("reload", unit));
    case "load_units":
      return loadUnits(services);
    case "install":
      return OK;
  }
}

/** Without --force, which would take the containers with it. */
async function removeNetwork(name: string): Promise<StepResult> {
  const exists = await podman("network", "exists", name);
  return exists.code === 0 ? result(await podman("network", "rm", name)) : OK;
}

/** Reads the units again, and looks whether the generator made a service of each. */
async function loadUnits(services: readonly string[]): Promise<StepResult> {
  const reloaded = await systemctl("daemon-reload");
  if (reloaded.code !== 0) return result(reloaded);
  if (services.length === 0) return OK;
  const shown = await systemctl(
    "show",
    "--property=LoadState",
    "--value",
    ...services.map((name) => `${name}.service`),
  );
  if (shown.code !== 0) return result(shown);
  const states = shown.stdout.split("\n").filter((line) => line !== "");
  const missing = services.filter((_, index) => states[index] !== "loaded");
  return missing.length === 0
    ? OK
    : { state: "failed", detail: `systemd does not know ${missing.map((name) => `${name}.service`).join(", ")}` };
}
