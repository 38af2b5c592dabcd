import type { Match, Name } from "./commands.ts";

/** A version as it must be: its number and what it holds; null is a deletion. */
export type ModelVersion = { version: number; port: number | null };
export type ModelDeployment = { id: string; isAlive: boolean; history: ModelVersion[] };
/** What a request is expected to be answered: a status, and the number of the version that it made or found. */
export type Expected = { status: number; code?: string; version?: number };

/** What one workspace must look like, kept by the simplest code that says so. */
export class TenantModel {
  newest = 0;
  /** Every configuration that ever had the name, oldest first. */
  readonly deployments: Record<Name, ModelDeployment[]> = { site: [], shop: [] };
  readonly keys = new Map<string, { body: string; version: number }>();

  alive(name: Name): ModelDeployment | undefined {
    return this.deployments[name].findLast(({ isAlive }) => isAlive);
  }

  current(name: Name): ModelVersion | undefined {
    return this.alive(name)?.history.at(-1);
  }

  /** The If-Match of an edit, and the refusal that it must get. */
  ifMatch(name: Name, match: Match): { header: string | null; refusal: Expected | null } {
    const current = this.current(name)?.version ?? 0;
    switch (match) {
      case "none":
        return { header: null, refusal: { status: 428, code: "precondition_required" } };
      case "any":
        return { header: "*", refusal: null };
      case "current":
        return { header: `"${Math.max(current, 1)}"`, refusal: null };
      case "stale":
        return { header: `"${current + 900}"`, refusal: { status: 412, code: "version_conflict" } };
    }
  }

  add(deployment: ModelDeployment, port: number | null): number {
    this.newest += 1;
    deployment.history.push({ version: this.newest, port });
    deployment.isAlive = port !== null;
    return this.newest;
  }
}

/** Content of the newest version that was no deletion. */
export const lastPort = (deployment: ModelDeployment): number =>
  deployment.history.findLast(({ port }) => port !== null)?.port ?? 0;
