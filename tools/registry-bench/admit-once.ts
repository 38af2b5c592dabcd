import { readFileSync } from "node:fs";
import path from "node:path";
import { sha256Hex } from "#core/digest.ts";
import type { Measure } from "#registry/admission/phase.ts";
import { type Admission, admitPack, examined } from "#registry/admit-pack.ts";
import { readPack } from "#registry/load-pack.ts";
import { unpackArchive } from "#registry/unpack.ts";
import { cpuMs } from "../cpu-ms.ts";
import { FIXTURES, readTree } from "../fixtures/fixture-release.ts";
import { packArchive } from "../upstreams/pack-archive.ts";

/**
 * node tools/registry-bench/admit-once.ts VERSION [PREVIOUS]
 *
 * Admits one release of our pack, from the bytes of its archive on, in a process that has done nothing before, and held against the
 * release before it, whose pack is read from the text in the file PREVIOUS as R2 would have it, and compiled: what a Worker's first admission costs. Prints one line: the CPU of
 * each phase, and a digest of everything that was found, by which two runs and two builds of the registry can be compared. Without PREVIOUS: prints the text
 * of the version's pack.
 */
export type AdmissionRun = {
  total_ms: number;
  phases: Record<string, number>;
  matrix_rows: number;
  status: string;
  findings_sha256: string;
};

const archiveOf = async (version: string) => {
  const files = readTree(path.join(FIXTURES, "leger", version, "pack"));
  return packArchive(new Map([...files].map(([name, bytes]) => [name, { bytes, mode: "100644" as const }])));
};

async function read(archive: Uint8Array, version: string, measure: Measure): Promise<Admission> {
  const files = await unpackArchive(archive);
  if (!files.ok) throw new Error(`${version} cannot be unpacked`);
  return admitPack(files.value, { pack: "leger", version, notes: "" }, measure);
}

async function main([version = "", previous]: readonly string[]): Promise<void> {
  const archive = await archiveOf(version);
  if (previous === undefined) {
    process.stdout.write((await read(archive, version, () => {})).text);
    return;
  }
  const stored = readFileSync(previous, "utf8");
  const phases: Record<string, number> = {};
  const start = cpuMs();
  let current = { phase: "unpack", since: start };
  const measure = (phase: string) => {
    const now = cpuMs();
    phases[current.phase] = (phases[current.phase] ?? 0) + now - current.since;
    current = { phase, since: now };
  };
  const admission = await read(archive, version, measure);
  measure("previous release");
  const before = readPack(stored);
  if (!before.ok) throw new Error(`${previous} does not compile`);
  const pack = before.value;
  const of = { version, previous: { version: pack.compiled.pack.version, pack }, measure };
  const { status, report, compatibility, matrix } = examined(admission, of);
  measure("");
  const run: AdmissionRun = {
    total_ms: cpuMs() - start,
    phases,
    matrix_rows: matrix?.rows ?? 0,
    status,
    findings_sha256: await sha256Hex(JSON.stringify([status, report, compatibility, matrix])),
  };
  console.log(JSON.stringify(run));
}

await main(process.argv.slice(2));
