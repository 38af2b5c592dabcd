import { firstTargetWith, isAtLeast } from "#quadlet/podman-version.ts";
import { error, type Check } from "#quadlet/checks/check.ts";
import { unitTypeInfo, unitTypeOf } from "#quadlet/unit-names.ts";

const CODE = "type_too_new";

/** Podman passes over files whose extension it does not know, without a word: the service never exists. */
export const typeTooNew: Check = {
  code: CODE,
  ofBundle: ({ bundle, podman }) =>
    bundle.files.flatMap(({ filename }) => {
      const type = unitTypeOf(filename);
      if (type === null || isAtLeast(podman, unitTypeInfo(type).since)) return [];
      return [
        error(
          CODE,
          { file: filename, line: 1, column: 1 },
          {
            message: `Podman reads .${type} files from ${unitTypeInfo(type).since} on; Podman ${podman} ignores this one.`,
            action: `Raise the target to ${firstTargetWith(unitTypeInfo(type).since)}, or do without the file.`,
          },
        ),
      ];
    }),
};
