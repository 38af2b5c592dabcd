import type { Finding } from "#core/finding.ts";
import type { LoadedBundle } from "#quadlet/load-units.ts";
import type { InvalidNode, InvalidReason, UnitFile } from "#quadlet/parse-unit.ts";

type Text = { readonly message: string; readonly action: string };

const REASONS: Readonly<Record<InvalidReason, Text>> = {
  no_equals_sign: {
    message:
      "This line is neither a section, nor a comment, nor Key=Value. Podman drops every unit of the folder for it.",
    action: "Write Key=Value, or end the line before it with a backslash when this continues it.",
  },
  unclosed_section: {
    message: "A section header must end with a bracket, with nothing behind it. Podman drops every unit of the folder.",
    action: "Write the header alone on its line, such as [Container].",
  },
  invalid_section_name: {
    message: "A section's name must not be empty and holds no brackets or control characters.",
    action: "Write a name such as [Container] or [Service].",
  },
  key_before_section: {
    message: "A key stands before the first section. Podman drops every unit of the folder for it.",
    action: "Put a section header such as [Container] above it.",
  },
  empty_key: {
    message: "The line begins with an equals sign: its key is missing. Podman drops every unit of the folder for it.",
    action: "Write the key in front of the equals sign, or remove the line.",
  },
  lost_continuation: {
    message: "The line ends with a backslash, and only comments or blank lines follow: Podman ignores it altogether.",
    action: "Remove the backslash, or write what continues the line.",
  },
};

const BYTE_ORDER_MARK = "\ufeff";

function findingOf(file: UnitFile, node: InvalidNode): Finding {
  const hasMark = node.start === 0 && file.text.startsWith(BYTE_ORDER_MARK);
  const text = hasMark
    ? {
        message: "The file begins with a byte order mark, which Podman takes for part of the first line.",
        action: "Save the file as UTF-8 without a byte order mark.",
      }
    : REASONS[node.reason];
  const severity = node.reason === "lost_continuation" ? "warning" : "error";
  const place = { file: file.filename, line: node.line, column: node.column };
  return { code: "unit_syntax", severity, ...text, place };
}

/** What keeps the generator from reading a file at all, all lines of all units and drop-ins at once. */
export function syntaxFindings(bundle: LoadedBundle): Finding[] {
  const bad = new Set<UnitFile>();
  for (const { file } of bundle.units) if (file.invalid.length > 0) bad.add(file);
  for (const { dropIns } of bundle.units) for (const file of dropIns) if (file.invalid.length > 0) bad.add(file);
  return [...bad].flatMap((file) => file.invalid.map((node) => findingOf(file, node)));
}
