import { env } from "cloudflare:workers";
import type { world } from "../world.ts";
import { type Command, type Edit, NAMES, type Name, TENANTS } from "./commands.ts";
import { type Expected, type ModelDeployment, TenantModel, lastPort } from "./tenant-model.ts";

type World = ReturnType<typeof world>;
type Answered = { status: number; code: string | undefined; version: number | undefined; data: Record<string, never> };
type Tenant = { id: string; token: string; canary: string; model: TenantModel; seen: Map<Name, number> };

/** Runs one sequence over the HTTP API, holds each answer against the model, and at the end everything against it. */
export class ModelRun {
  readonly #world: World;
  readonly #slug: string;
  readonly #tenants: Tenant[] = [];
  commands = 0;

  constructor(w: World, slug: string) {
    this.#world = w;
    this.#slug = slug;
  }

  async run(commands: readonly Command[]): Promise<void> {
    for (let index = 0; index < TENANTS; index++) {
      const canary = `canary-${crypto.randomUUID()}`;
      const { id, token } = await this.#world.tenant(`${canary}@example.com`);
      this.#tenants.push({ id, token, canary, model: new TenantModel(), seen: new Map() });
    }
    for (const command of commands) {
      this.commands += 1;
      await this.#step(command);
    }
    await this.#settle();
    for (const tenant of this.#tenants) await this.#judge(tenant);
  }

  #tenant(index: number): Tenant {
    const tenant = this.#tenants[index];
    if (!tenant) throw new RangeError(`there is no tenant ${index}`);
    return tenant;
  }

  async #step(command: Command): Promise<void> {
    switch (command.kind) {
      case "create":
        return this.#create(this.#tenant(command.tenant), command);
      case "save":
        return this.#save(this.#tenant(command.tenant), command);
      case "delete":
        return this.#delete(this.#tenant(command.tenant), command);
      case "rollback":
        return this.#rollback(this.#tenant(command.tenant), command);
      case "restore":
        return this.#restore(this.#tenant(command.tenant), command.name);
      case "race":
        return this.#race(command.edits);
      case "read":
        return this.#read(this.#tenant(command.tenant), command.name);
      case "poll":
        return this.#poll(this.#tenant(command.tenant), command.name);
      case "deliver":
        return this.#world.deliver();
      case "lose":
        this.#world.sent.length = 0;
        return;
      case "sweep":
        this.#world.clock.advance(60);
        return this.#world.sweep();
    }
  }

  async #create(tenant: Tenant, { name, port }: { name: Name; port: number }): Promise<void> {
    const answer = await this.#ask(tenant, {
      method: "POST",
      path: "/configurations",
      body: { deployment_name: name, pack: this.#slug, config_data: this.#content(tenant, port) },
    });
    const { model } = tenant;
    if (model.alive(name)) return expectAnswer(answer, { status: 409, code: "deployment_name_taken" });
    const deployment: ModelDeployment = { id: "", isAlive: true, history: [] };
    expectAnswer(answer, { status: 202, version: model.add(deployment, port) });
    deployment.id = (answer.data["version"] as unknown as { config_id: string }).config_id;
    model.deployments[name].push(deployment);
  }

  async #save(tenant: Tenant, command: Edit & { key: number | null }): Promise<void> {
    const { name, port, match, key } = command;
    const { model } = tenant;
    const { header, refusal } = model.ifMatch(name, match);
    const answer = await this.#ask(tenant, this.#put(tenant, { ...command, header, key }));
    if (header === null && refusal) return expectAnswer(answer, refusal);
    const used = key === null ? undefined : model.keys.get(`${name} ${key}`);
    if (used)
      return expectAnswer(
        answer,
        used.body === String(port)
          ? { status: 202, version: used.version }
          : { status: 422, code: "idempotency_key_reused" },
      );
    const deployment = model.alive(name);
    const current = model.current(name);
    if (!deployment || !current) return expectAnswer(answer, { status: 404, code: "configuration_not_found" });
    if (refusal) return expectAnswer(answer, refusal);
    if (current.port === port) return expectAnswer(answer, { status: 200, version: current.version });
    const version = model.add(deployment, port);
    expectAnswer(answer, { status: 202, version });
    if (key !== null) model.keys.set(`${name} ${key}`, { body: String(port), version });
  }

  #put(
    tenant: Tenant,
    { name, port, header, key }: { name: Name; port: number; header: string | null; key?: number | null },
  ) {
    return {
      method: "PUT",
      path: `/configurations/${name}`,
      headers: {
        ...(header !== null && { "if-match": header }),
        ...(key !== null && key !== undefined && { "idempotency-key": `key-${key}` }),
      },
      body: { config_data: this.#content(tenant, port) },
    };
  }

  async #delete(tenant: Tenant, { name, match }: Pick<Edit, "name" | "match">): Promise<void> {
    const { model } = tenant;
    const { header, refusal } = model.ifMatch(name, match);
    const answer = await this.#ask(tenant, {
      method: "DELETE",
      path: `/configurations/${name}`,
      headers: header === null ? {} : { "if-match": header },
    });
    if (header === null && refusal) return expectAnswer(answer, refusal);
    const deployment = model.alive(name);
    if (!deployment) return expectAnswer(answer, { status: 404, code: "configuration_not_found" });
    if (refusal) return expectAnswer(answer, refusal);
    expectAnswer(answer, { status: 200, version: model.add(deployment, null) });
  }

  async #rollback(tenant: Tenant, { name, back }: { name: Name; back: number }): Promise<void> {
    const { model } = tenant;
    const deployment = model.alive(name);
    const target = deployment?.history.at(-1 - back) ?? { version: 1_000_000 + back, port: null };
    const answer = await this.#ask(tenant, {
      method: "POST",
      path: `/configurations/${name}/rollback`,
      headers: { "if-match": "*" },
      body: { to: target.version },
    });
    if (!deployment) return expectAnswer(answer, { status: 404, code: "configuration_not_found" });
    if (target.version > 1_000_000) return expectAnswer(answer, { status: 404, code: "version_not_found" });
    if (target.port === null) return expectAnswer(answer, { status: 409, code: "version_is_deletion" });
    const current = model.current(name);
    if (current?.port === target.port) return expectAnswer(answer, { status: 200, version: current.version });
    expectAnswer(answer, { status: 202, version: model.add(deployment, target.port) });
  }

  async #restore(tenant: Tenant, name: Name): Promise<void> {
    const { model } = tenant;
    const answer = await this.#ask(tenant, { method: "POST", path: `/configurations/${name}/restore`, body: {} });
    const [deployment, ...others] = model.deployments[name];
    if (model.alive(name)) return expectAnswer(answer, { status: 409, code: "deployment_name_taken" });
    if (!deployment) return expectAnswer(answer, { status: 404, code: "configuration_not_found" });
    if (others.length > 0) return expectAnswer(answer, { status: 409, code: "configuration_ambiguous" });
    expectAnswer(answer, { status: 202, version: model.add(deployment, lastPort(deployment)) });
  }

  /** Several edits at one moment, whosever. Any order may come out, but it must be an order. */
  async #race(edits: readonly Edit[]): Promise<void> {
    const answers = await Promise.all(
      edits.map(async (edit) => {
        const tenant = this.#tenant(edit.tenant);
        const { header } = tenant.model.ifMatch(edit.name, edit.match);
        return { edit, answer: await this.#ask(tenant, this.#put(tenant, { ...edit, header })) };
      }),
    );
    for (const [place, raced] of Map.groupBy(answers, ({ edit }) => `${edit.tenant} ${edit.name}`)) {
      const [index = "", name = ""] = place.split(" ");
      await this.#judgeRace(this.#tenant(Number(index)), name as Name, raced);
    }
  }

  async #judgeRace(tenant: Tenant, name: Name, raced: { edit: Edit; answer: Answered }[]): Promise<void> {
    const { model } = tenant;
    const deployment = model.alive(name);
    const before = model.current(name);
    const won = raced.filter(({ answer }) => answer.status === 202);
    for (const { edit, answer } of raced) {
      if (edit.match === "none") expectAnswer(answer, { status: 428 });
      else if (!deployment || !before) expectAnswer(answer, { status: 404 });
      else if (edit.match === "stale") expectAnswer(answer, { status: 412 });
      else if (answer.status === 412) assert(edit.match === "current" && won.length > 0, "412, and nobody was faster");
      else
        assert(answer.status === 202 || answer.status === 200, `a race was answered ${answer.status} ${answer.code}`);
    }
    if (!deployment || !before) return;
    assert(won.filter(({ edit }) => edit.match === "current").length <= 1, "two edits of one version both won");
    // another race of this tenant, on its other deployment, takes numbers in between
    for (const { edit, answer } of won.toSorted((a, b) => (a.answer.version ?? 0) - (b.answer.version ?? 0))) {
      const version = answer.version ?? 0;
      assert(version > (deployment.history.at(-1)?.version ?? 0), "two edits got one number");
      deployment.history.push({ version, port: edit.port });
      model.newest = Math.max(model.newest, version);
    }
  }

  async #read(tenant: Tenant, name: Name): Promise<void> {
    const answer = await this.#ask(tenant, { method: "GET", path: `/configurations/${name}` });
    const current = tenant.model.current(name);
    if (!current) return expectAnswer(answer, { status: 404, code: "configuration_not_found" });
    expectAnswer(answer, { status: 200 });
    const read = answer.data as unknown as { version: number; config_data: { web: { port: number } } };
    assert(read.version === current.version, `version ${read.version} was read, and ${current.version} is the newest`);
    assert(read.config_data.web.port === current.port, "the content that was read is another one's");
  }

  /** What a device sees never goes back. */
  async #poll(tenant: Tenant, name: Name): Promise<void> {
    const answer = await this.#ask(tenant, { method: "GET", path: `/config/latest?deployment=${name}` });
    if (answer.status === 404)
      return assert(!tenant.seen.has(name), "a deployment that was seen is gone without a marker");
    expectAnswer(answer, { status: 200 });
    const { version } = answer.data as unknown as { version: number };
    assert(version >= (tenant.seen.get(name) ?? 0), `latest went back from ${tenant.seen.get(name)} to ${version}`);
    assert(version <= tenant.model.newest, "a version that was never saved is the latest");
    tenant.seen.set(name, version);
  }

  async #settle(): Promise<void> {
    const ids = JSON.stringify(this.#tenants.map(({ id }) => id));
    for (let round = 0; round < 20; round++) {
      await this.#world.deliver();
      const open = await env.DB.prepare(
        "SELECT COUNT(*) AS n FROM render_jobs WHERE state IN ('queued', 'rendering') AND workspace_id IN (SELECT value FROM json_each(?))",
      )
        .bind(ids)
        .first<number>("n");
      if (open === 0) return;
      this.#world.clock.advance(60);
      await this.#world.sweep();
    }
    assert(false, "renders do not come to an end");
  }

  async #judge(tenant: Tenant): Promise<void> {
    const { model, id } = tenant;
    const { results } = await env.DB.prepare(
      "SELECT version, config_data, origin, config_id FROM configuration_versions WHERE workspace_id = ? ORDER BY version",
    )
      .bind(id)
      .all<{ version: number; config_data: string; origin: string; config_id: string }>();
    const stored = results.map(({ version, config_data, origin, config_id }) => ({
      version,
      config_id,
      port: origin === "delete" ? null : (JSON.parse(config_data) as { web: { port: number } }).web.port,
    }));
    const expected = NAMES.flatMap((name) =>
      model.deployments[name].flatMap(({ id: config_id, history }) =>
        history.map((version) => ({ ...version, config_id })),
      ),
    ).toSorted((a, b) => a.version - b.version);
    const line = ({ version, port, config_id }: (typeof expected)[number]) => `${version} ${port} ${config_id}`;
    assert(
      stored.map(line).join("\n") === expected.map(line).join("\n"),
      `stored:\n${stored.map(line).join("\n")}\nexpected:\n${expected.map(line).join("\n")}`,
    );
    assert(
      stored.every(({ version }, index) => version === index + 1),
      "version numbers have a gap",
    );
    for (const name of NAMES) {
      await this.#poll(tenant, name);
      const last = model.deployments[name].findLast(({ isAlive }) => isAlive) ?? model.deployments[name].at(-1);
      if (!last) continue;
      assert(tenant.seen.get(name) === last.history.at(-1)?.version, `${name}: the head is not the newest version`);
    }
    const audit = await env.DB.prepare(
      "SELECT COUNT(*) AS n, MAX(seq) AS top FROM audit_log WHERE workspace_id = ? AND action IN ('version.created', 'configuration.deleted', 'configuration.restored')",
    )
      .bind(id)
      .first<{ n: number; top: number }>();
    assert(audit?.n === model.newest, `${audit?.n} versions were audited of ${model.newest}`);
  }

  #content = (tenant: Tenant, port: number) => ({ web: { port, greeting: tenant.canary } });

  async #ask(
    tenant: Tenant,
    of: { method: string; path: string; headers?: Record<string, string>; body?: unknown },
  ): Promise<Answered> {
    const answer = await this.#world.request<Record<string, never>>(of.method, of.path, {
      token: tenant.token,
      ...(of.body !== undefined && { body: of.body }),
      ...(of.headers && { headers: of.headers }),
    });
    const text = JSON.stringify(answer.body);
    for (const other of this.#tenants)
      assert(
        other === tenant || !text.includes(other.canary),
        `${of.method} ${of.path} answers another tenant's content`,
      );
    assert(answer.status < 500, `${of.method} ${of.path} was answered ${answer.status}`);
    const data = (answer.body.data ?? {}) as Record<string, never>;
    const version = data["version"] as unknown as number | { version: number } | undefined;
    return {
      status: answer.status,
      code: answer.body.error?.code,
      version: typeof version === "object" ? version.version : version,
      data,
    };
  }
}

export class ModelViolation extends Error {
  override readonly name = "ModelViolation";
}

function assert(holds: boolean, sentence: string): void {
  if (!holds) throw new ModelViolation(sentence);
}

function expectAnswer(answer: Answered, expected: Expected): void {
  const isRight =
    answer.status === expected.status &&
    (expected.code === undefined || answer.code === expected.code) &&
    (expected.version === undefined || answer.version === expected.version);
  assert(
    isRight,
    `expected ${JSON.stringify(expected)}, was answered ${JSON.stringify({ ...answer, data: undefined })}`,
  );
}
