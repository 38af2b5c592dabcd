import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../../tools/start/local-worker.ts";
import type { Machine, Stack } from "../../tools/tour/local-stack.ts";

/** Document 000's example. */
export const EXAMPLE = path.join(ROOT, "templates-fixtures/leger/v1.0.0/cases/document-000/config.json");

export type Data = Record<string, unknown>;

type Change = (decisions: Decisions) => void;
type Decisions = {
  ai_stack: { vector_database: string };
  services: { enable_redis: boolean };
  networking: { external_ports: { openwebui: number } };
};
export const redis =
  (isOn: boolean): Change =>
  ({ services }) => {
    services.enable_redis = isOn;
  };

export const qdrant: Change = ({ ai_stack }) => {
  ai_stack.vector_database = "qdrant";
};
export const port =
  (number: number): Change =>
  ({ networking }) => {
    networking.external_ports.openwebui = number;
  };

export const tokenOf = (machine: Machine) =>
  (JSON.parse(readFileSync(path.join(machine.env.XDG_CONFIG_HOME, "leger/session.json"), "utf8")) as { token: string })
    .token;

export type Client = ReturnType<typeof makeClient>;

/** The API as the person of a machine, beside the command line: quicker, and an independent witness. */
export function makeClient(stack: Stack, machine: Machine) {
  async function api(method: string, route: string, body?: unknown): Promise<Data> {
    const answer = await fetch(stack.url + route, {
      method,
      headers: { authorization: `Bearer ${tokenOf(machine)}`, "content-type": "application/json", "if-match": "*" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const { data, error } = (await answer.json()) as { data?: Data; error?: { code: string; message: string } };
    if (!data) throw new Error(`${method} ${route}: ${error?.code} ${error?.message}`);
    return data;
  }

  /** Saves document 000's example with a change, waits for the render, and answers the version. */
  async function save(name: string, ...changes: Change[]): Promise<number> {
    const config_data = JSON.parse(readFileSync(EXAMPLE, "utf8")) as Decisions;
    for (const change of changes) change(config_data);
    const exists = await api("GET", `/configurations/${name}`).then(
      () => true,
      () => false,
    );
    const saved = exists
      ? await api("PUT", `/configurations/${name}`, { config_data })
      : await api("POST", "/configurations", { deployment_name: name, schema_version: "v1.0.0", config_data });
    const { version } = saved["version"] as { version: number };
    for (let tries = 0; tries < 200; tries++) {
      const { state } = await api("GET", `/renders/${version}`);
      if (state === "rendered") return version;
      if (state === "failed") break;
      await sleep(50);
    }
    throw new Error(`version ${version} was not rendered`);
  }

  return { api, save };
}
