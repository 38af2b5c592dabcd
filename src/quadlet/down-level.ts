import type { Finding } from "#core/finding.ts";
import { encodeValue } from "#quadlet/encode-value.ts";
import { isKeyKnown, isRepeatable, keyInfo, type KeyInfo } from "#quadlet/key-table.ts";
import { loadUnits, type BundleFile, type LoadedUnit } from "#quadlet/load-units.ts";
import { rawOf, type Assignment, type UnitFile } from "#quadlet/parse-unit.ts";
import { FLAGS_KNOWN_SINCE, flagRule, type FlagRule } from "#quadlet/podman-flags.ts";
import { firstTargetWith, isAtLeast } from "#quadlet/podman-version.ts";
import { splitWords } from "#quadlet/split-words.ts";
import type { UnitView } from "#quadlet/unit-view.ts";

export type DownLevelled = { readonly files: readonly BundleFile[]; readonly findings: readonly Finding[] };

const CODE = "key_down_levelled";

/** What the key says, as flags for PodmanArgs=; null where it cannot be said. The value keeps its `%` and `$`. */
function flagsFor(
  assignment: Assignment,
  { info, rule }: { info: KeyInfo; rule: FlagRule },
  view: UnitView,
): string[] | null {
  const { section, key } = assignment;
  const values =
    info.kind === "keyval"
      ? splitWords(assignment.value, "args").words.map((word) => word.text)
      : [
          rule.isBool
            ? String(view.bool(section, key))
            : info.repeatable
              ? assignment.value
              : (view.string(section, key) ?? ""),
        ];
  const words = values.map((value) =>
    encodeValue("args", `${rule.flag}=${rule.prefix ?? ""}${value}`, { isExpanded: true }),
  );
  return words.every((word) => word.ok) ? words.map((word) => (word.ok ? word.value : "")) : null;
}

/** Keeps the number of lines, so that places and template lines of what follows stay true. */
function replaced(raw: string, text: string): string {
  const breaks = raw.split("\n").length - 1;
  return breaks === 0 ? text : text + "\n".repeat(breaks);
}

type Edits = Map<Assignment, string>;

function editsOf({ view, section }: LoadedUnit, podman: string): { edits: Edits; findings: Finding[] } {
  const edits: Edits = new Map();
  const findings: Finding[] = [];
  for (const key of view.keys(section)) {
    const info = keyInfo(section, key);
    const rule = flagRule(section, key);
    if (info === null || rule === null || isKeyKnown(info, podman)) continue;
    const effective = isRepeatable(info, podman) ? view.all(section, key) : view.written(section, key).slice(-1);
    const inUse = effective.filter((assignment) => assignment.value !== "");
    const flags = inUse.map((assignment) => flagsFor(assignment, { info, rule }, view));
    if (flags.includes(null)) continue;
    for (const assignment of view.written(section, key)) edits.set(assignment, "");
    inUse.forEach((assignment, index) => {
      const text = `PodmanArgs=${(flags[index] ?? []).join(" ")}`;
      edits.set(assignment, text);
      const { file, line, column } = assignment;
      // Without the value: a BuildArg= may hold what nobody should read in a log.
      const message = `${key}= exists from Podman ${info.since} on; for ${podman} it is written as PodmanArgs=${rule.flag}.`;
      const action = `Nothing to do. With a target of ${firstTargetWith(info.since)} or newer the key itself is written.`;
      findings.push({ code: CODE, severity: "warning", message, action, place: { file, line, column } });
    });
  }
  return { edits, findings };
}

function printEdited(file: UnitFile, edits: Edits): string {
  return file.nodes
    .map((node) => {
      const text = node.type === "assignment" ? edits.get(node) : undefined;
      return text === undefined ? rawOf(file, node) : replaced(rawOf(file, node), text);
    })
    .join("");
}

/**
 * Writes keys that the target's Podman does not know yet as `PodmanArgs=`, where its command line has the flag, and reports each.
 * Everything else stays byte for byte, line numbers included; keys without a flag stay, and the checks refuse them.
 */
export function downLevel(files: readonly BundleFile[], podman: string): DownLevelled {
  if (!isAtLeast(podman, FLAGS_KNOWN_SINCE)) return { files, findings: [] };
  const bundle = loadUnits(files, podman);
  const texts = new Map<string, string>();
  const findings: Finding[] = [];
  for (const unit of bundle.units) {
    const result = editsOf(unit, podman);
    if (result.edits.size === 0) continue;
    findings.push(...result.findings);
    for (const file of [unit.file, ...unit.dropIns]) texts.set(file.filename, printEdited(file, result.edits));
  }
  return { files: files.map((file) => ({ ...file, text: texts.get(file.filename) ?? file.text })), findings };
}
