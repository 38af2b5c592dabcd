import {
  copyFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../start/local-worker.ts";
import type { Machine } from "./local-stack.ts";

const STAND_INS = path.join(import.meta.dirname, "stand-ins");

/** The real generator of Podman 5.4, or whatever tools/quadlet-generator.sh has installed. */
export const findGenerator = () =>
  ["quadlet-5.4", "quadlet-new"]
    .map((name) => path.join(ROOT, ".leger", name, "quadlet"))
    .find((program) => existsSync(program));

export const SECRETS = [
  "litellm_master_key",
  "litellm_salt_key",
  "openai_api_key",
  "postgres_password",
  "searxng_secret",
  "webui_secret_key",
];

/** Puts stand-ins for systemctl and podman on a machine's path, with state that a test reads and sets. */
export function standIn(machine: Machine, deployment: string) {
  const folder = path.join(machine.home, "stand-in");
  const units = path.join(machine.env.XDG_CONFIG_HOME, "containers/systemd");
  const link = path.join(units, `leger-${deployment}`);
  for (const name of ["active", "fail", "hang", "networks"]) mkdirSync(path.join(folder, name), { recursive: true });
  for (const program of ["systemctl", "podman"]) {
    copyFileSync(path.join(STAND_INS, program), path.join(machine.bin, program));
    chmodSync(path.join(machine.bin, program), 0o755);
  }
  const file = (name: string) => path.join(folder, name);
  const env = { STAND_IN: folder, STAND_IN_UNITS: units, LEGER_QUADLET: findGenerator() ?? "" };
  const lines = (name: string) =>
    existsSync(file(name)) ? readFileSync(file(name), "utf8").trimEnd().split("\n") : [];
  return {
    env,
    apply: (...args: string[]) => machine.leger(["apply", deployment, ...args], { env }),
    start: (...args: string[]) => machine.start(["apply", deployment, ...args], { env }),
    setSecrets: (names: readonly string[]) => writeFileSync(file("secrets"), names.map((name) => `${name}\n`).join("")),
    fails: (call: string) => writeFileSync(file(`fail/${call}`), ""),
    works: (call: string) => rmSync(file(`fail/${call}`), { force: true }),
    /** Changes of the machine, in order; questions left out. */
    changes: () =>
      lines("log").filter(
        (line) => !/^(?:podman (?:--version|secret ls|network exists)|systemctl (?:show|is-active))/.test(line),
      ),
    forget: () => rmSync(file("log"), { force: true }),
    active: () => readdirSync(file("active")).toSorted(),
    loaded: () => lines("loaded").toSorted(),
    installed: () => (lstatSync(link, { throwIfNoEntry: false }) ? path.basename(readlinkSync(link)) : null),
    /** Runs apply until it is inside `call`, and kills it there as a power cut would. */
    killIn: async (call: string) => {
      rmSync(file("hanging"), { force: true });
      writeFileSync(file(`hang/${call}`), "");
      const running = machine.start(["apply", deployment, "--accept-data-risks"], { env });
      while (!existsSync(file("hanging"))) {
        const ended = await Promise.race([running.finished, sleep(20, null)]);
        if (ended) throw new Error(`apply never came to ${call}: ${ended.stderr}`);
      }
      running.kill("SIGKILL");
      await running.finished.catch(() => null);
      process.kill(Number(readFileSync(file("hanging"), "utf8")));
      rmSync(file(`hang/${call}`));
    },
  };
}
export type StandIn = ReturnType<typeof standIn>;
