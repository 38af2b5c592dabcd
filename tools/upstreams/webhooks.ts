import { createHmac, randomUUID } from "node:crypto";
import { releaseJson, repositoryJson, userJson, type Addresses } from "./github-json.ts";
import type { Release, Repository } from "./github-world.ts";

export type Delivery = {
  readonly id: string;
  readonly event: "ping" | "release";
  readonly action: string | null;
  /** Status of the receiver's answer; null until there is one, and for good when it could not be reached. */
  status: number | null;
  error: string | null;
};

type Kept = { readonly delivery: Delivery; readonly url: string; readonly secret: string; readonly body: string };

/** GitHub gives up on a receiver after ten seconds, and never tries again by itself. */
const TIMEOUT_MS = 10_000;

/**
 * Sends `ping` and `release` events signed as GitHub signs them (`X-Hub-Signature-256` over the raw bytes). A delivery
 * is tried once; `settled` waits for those under way, so that a test need not sleep.
 */
export class Webhooks {
  private readonly kept: Kept[] = [];
  private readonly underWay = new Set<Promise<void>>();
  private readonly at: Addresses;
  private readonly closing = new AbortController();

  constructor(at: Addresses) {
    this.at = at;
  }

  ping(repository: Repository): void {
    this.queue(repository, { event: "ping", action: null, fields: { zen: "A delivery is a hint.", hook_id: 1 } });
  }

  /** One event per action, in the order given. */
  release(repository: Repository, release: Release, actions: readonly string[]): void {
    for (const action of actions) {
      const fields = { release: releaseJson(this.at, repository, release) };
      this.queue(repository, { event: "release", action, fields });
    }
  }

  /** Sends a known delivery once more, with the id and the bytes that it had. */
  redeliver(id: string): void {
    const kept = this.kept.find(({ delivery }) => delivery.id === id);
    if (!kept) throw new Error(`there is no delivery ${id}`);
    this.send(kept);
  }

  async settled(): Promise<Delivery[]> {
    await Promise.all(this.underWay);
    return this.kept.map(({ delivery }) => ({ ...delivery }));
  }

  async close(): Promise<void> {
    this.closing.abort();
    await Promise.all(this.underWay);
  }

  private queue(
    repository: Repository,
    of: { event: Delivery["event"]; action: string | null; fields: Record<string, unknown> },
  ): void {
    if (!repository.webhook) return;
    const body = JSON.stringify({
      ...(of.action !== null && { action: of.action }),
      ...of.fields,
      repository: repositoryJson(this.at, repository),
      sender: userJson(this.at, "template-author", "User"),
    });
    const delivery = { id: randomUUID(), event: of.event, action: of.action, status: null, error: null };
    const kept = { delivery, body, ...repository.webhook };
    this.kept.push(kept);
    this.send(kept);
  }

  private send(kept: Kept): void {
    const sent = this.post(kept).finally(() => this.underWay.delete(sent));
    this.underWay.add(sent);
  }

  private async post({ delivery, url, secret, body }: Kept): Promise<void> {
    const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), this.closing.signal]);
    const headers = {
      "content-type": "application/json",
      "user-agent": "GitHub-Hookshot/local",
      "x-github-event": delivery.event,
      "x-github-delivery": delivery.id,
      "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
    };
    try {
      const response = await fetch(url, { method: "POST", headers, body, signal, redirect: "manual" });
      await response.arrayBuffer();
      delivery.status = response.status;
    } catch (error) {
      delivery.error = error instanceof Error ? error.message : String(error);
    }
  }
}

/** The actions that GitHub announces for a change of a release, from what it was (null: nothing) to what it is. */
export function releaseActions(was: Pick<Release, "draft" | "prerelease"> | null, is: Release): string[] {
  const released = is.prerelease ? "prereleased" : "released";
  if (was === null) return is.draft ? ["created"] : ["created", "published", released];
  if (was.draft && !is.draft) return ["published", released];
  if (!was.draft && is.draft) return ["unpublished"];
  if (was.prerelease && !is.prerelease) return ["edited", "released"];
  if (!was.prerelease && is.prerelease) return ["edited", "prereleased"];
  return ["edited"];
}
