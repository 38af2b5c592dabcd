import { didYouMean } from "#core/did-you-mean.ts";
import { error, placeOfKey, type Check } from "#quadlet/checks/check.ts";
import { keyInfo, keysOf, keySections } from "#quadlet/key-table.ts";

const CODE = "key_unknown";

function actionFor(section: string, key: string): string {
  const near = didYouMean(key, keysOf(section));
  if (near !== null) return `Did you mean ${near}=?`;
  const elsewhere = keySections().find((other) => keyInfo(other, key) !== null);
  if (elsewhere !== undefined) return `${key}= belongs into [${elsewhere}], in a unit of that type.`;
  return `Remove it, or move what is not Podman's into [Unit], [Service] or [X-Leger].`;
}

/** The generator refuses a unit with a key that it does not know, in the unit's own section and in [Quadlet]. */
export const keyUnknown: Check = {
  code: CODE,
  ofKey: {
    reads: ({ section, info }) => info === null && keySections().includes(section),
    run: ({ section, key, values }) => {
      const message = `[${section}] has no key ${key}. Podman refuses the whole unit for it.`;
      const text = { message, action: actionFor(section, key) };
      return values.written.map((assignment) => error(CODE, placeOfKey(assignment), text));
    },
  },
};
