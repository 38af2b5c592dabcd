import { didYouMean } from "#core/did-you-mean.ts";
import { warning, type Check } from "#quadlet/checks/check.ts";
import { SYSTEMD_SECTIONS, systemdKeys } from "#quadlet/systemd-keys.ts";

const CODE = "systemd_key";

/** systemd ignores a key that it does not know: what it should have done does not happen. */
export const systemdKey: Check = {
  code: CODE,
  run: ({ bundle }) =>
    bundle.units.flatMap(({ view }) =>
      SYSTEMD_SECTIONS.flatMap((section) => {
        const known = systemdKeys(section);
        return view
          .keys(section)
          .filter((key) => !known.has(key) && !key.startsWith("X-"))
          .flatMap((key) =>
            view.written(section, key).map(({ file, line, column }) => {
              const near = didYouMean(key, known);
              const message = `systemd has no key ${key} in [${section}] and ignores it.`;
              const action =
                near === null ? `Remove it, or call it X-${key} when it is for people.` : `Did you mean ${near}=?`;
              return warning(CODE, { file, line, column }, { message, action });
            }),
          );
      }),
    ),
};
