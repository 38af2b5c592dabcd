import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BundleFile } from "#quadlet/load-units.ts";
import { planBetween } from "#quadlet/plan/plan-between.ts";
import type { Plan } from "#quadlet/plan/plan.ts";
import { Machine } from "./plan-model.ts";

const FIXTURES = path.join(import.meta.dirname, "plans");

function bundle(folder: string): BundleFile[] | null {
  if (!existsSync(folder)) return null;
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted();
  return names
    .filter((name) => statSync(path.join(folder, name)).isFile())
    .map((filename) => ({ filename, text: readFileSync(path.join(folder, filename), "utf8") }));
}

const inWords = (plan: Plan) =>
  [
    ...plan.risks.map((risk) => `! ${risk.code}: ${risk.text}`),
    ...plan.steps.map((step) => `${step.is_implied ? "  " : "- "}${step.text}`),
    `= ${plan.unchanged.join(" ")}`.trimEnd(),
  ].join("\n");

describe("planBetween", () => {
  const names = readdirSync(FIXTURES);

  test("has at least thirty pairs", () => expect(names.length).toBeGreaterThanOrEqual(30));

  test.each(names)("%s", (name) => {
    const folder = path.join(FIXTURES, name);
    const [old, next] = [bundle(path.join(folder, "old")), bundle(path.join(folder, "new")) ?? []];
    const plan = planBetween(old, next, { newPodman: "5.5" });
    expect(inWords(plan)).toBe(readFileSync(path.join(folder, "expected"), "utf8").trimEnd());
    expect(planBetween(next, next, { newPodman: "5.5" }).steps).toEqual([]);
    if (old !== null) expectInstalled(old, next);
  });
});

/** Installs `old` on an empty machine by its plan, then `next` by the plan between them, and looks at what is there. */
function expectInstalled(old: readonly BundleFile[], next: readonly BundleFile[]): void {
  const machine = new Machine();
  const options = { newPodman: "5.5" };
  const first = planBetween(null, old, options);
  for (const step of first.steps) machine.apply(step, old);
  const installed = machine.expectation();
  expect(machine.running).toEqual(installed.running);

  const plan = planBetween(old, next, options);
  for (const step of plan.steps) machine.apply(step, next);
  if (plan.steps.length === 0) return;
  const wanted = machine.expectation();
  expect(machine.running).toEqual(wanted.running);
  expect(machine.networks).toEqual(wanted.networks);
  expect([...machine.volumes]).toEqual(expect.arrayContaining(wanted.volumes));
}

type Spec = {
  services: {
    image: number;
    port: boolean;
    env: number;
    network: boolean;
    volume: boolean;
    needs: boolean;
    secret: boolean;
    file: boolean;
    unit: boolean;
    renamed: boolean;
  }[];
  ports: number[];
  subnet: number;
  networkName: boolean;
  volumeName: number;
  pod: boolean;
  config: string;
};

const spec: fc.Arbitrary<Spec> = fc.record({
  services: fc.array(
    fc.record({
      image: fc.nat(2),
      port: fc.boolean(),
      env: fc.nat(2),
      network: fc.boolean(),
      volume: fc.boolean(),
      needs: fc.boolean(),
      secret: fc.boolean(),
      file: fc.boolean(),
      unit: fc.boolean(),
      renamed: fc.boolean(),
    }),
    { maxLength: 5 },
  ),
  ports: fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }),
  subnet: fc.nat(2),
  networkName: fc.boolean(),
  volumeName: fc.nat(1),
  pod: fc.boolean(),
  config: fc.constantFrom("a", "b"),
});

function render({ services, ports, subnet, networkName, volumeName, pod, config }: Spec): BundleFile[] {
  const files: BundleFile[] = [];
  const add = (filename: string, lines: (string | false)[]) =>
    files.push({ filename, text: lines.filter((line) => line !== false).join("\n") + "\n" });
  services.forEach((service, index) => {
    const inPod = pod && index === 0;
    add(`s${index}.container`, [
      "[Unit]",
      service.needs && index > 0 && `Requires=s${index - 1}.service`,
      service.needs && index > 0 && `After=s${index - 1}.service`,
      "[Container]",
      `Image=${service.unit ? "app.image" : `docker.io/x/app:${service.image}`}`,
      service.port && !inPod && `PublishPort=${8000 + (ports[index] ?? 0)}:80`,
      `Environment=A=${service.env}`,
      service.network && !inPod && "Network=net.network",
      service.volume && "Volume=data.volume:/data",
      service.secret && "Secret=token",
      service.file && "Volume=./app.conf:/app.conf",
      service.file && "ReloadSignal=HUP",
      service.renamed && `ContainerName=box-${ports[index] ?? 0}`,
      inPod && "Pod=group.pod",
    ]);
  });
  if (services.some((service) => service.unit))
    add("app.image", ["[Image]", `Image=docker.io/x/app:${services[0]?.image ?? 0}`]);
  if (services.some((service) => service.network) || pod)
    add("net.network", ["[Network]", `Subnet=10.89.${subnet}.0/24`, networkName && "NetworkName=stack"]);
  if (services.some((service) => service.volume)) add("data.volume", ["[Volume]", `VolumeName=data-${volumeName}`]);
  if (pod && services.length > 0) add("group.pod", ["[Pod]", "Network=net.network", "PublishPort=9000:80"]);
  if (services.some((service) => service.file)) add("app.conf", [config]);
  return files;
}

describe("planBetween, by property", () => {
  test("a render over itself, with comments and [X-...] added, is an empty plan", () => {
    fc.assert(
      fc.property(spec, (one) => {
        const files = render(one);
        const noted = files.map(({ filename, text }) => ({
          filename,
          text: filename.endsWith(".conf") ? text : `# note\n${text}\n[X-Leger]\nDeployment=b\n`,
        }));
        expect(planBetween(files, files).steps).toEqual([]);
        expect(planBetween(files, noted).steps).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test("its steps bring a machine from the old render to the new one, without a failing command", () => {
    fc.assert(
      fc.property(spec, spec, (one, two) => {
        expect(() => expectInstalled(render(one), render(two))).not.toThrow();
      }),
      { numRuns: 400 },
    );
  });
});
