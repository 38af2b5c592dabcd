import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromBase64, toBase64 } from "#core/base64.ts";
import {
  KEY_BYTES,
  NONCE_BYTES,
  type SealedValue,
  type ValueAddress,
  fingerprint,
  openLegacyValue,
  openValue,
  sealValue,
  unwrapKey,
  wrapKey,
} from "#core/envelope.ts";
import { Secret } from "#core/secret.ts";
import { parseValue, printValue } from "#core/secret-value.ts";

const bytes = (min: number, max = min) =>
  fc.uint8Array({ minLength: min, maxLength: max }).map((array) => new Uint8Array(array));
const key = bytes(KEY_BYTES).map((array) => new Secret(array));
const nonce = bytes(NONCE_BYTES);
const address: fc.Arbitrary<ValueAddress> = fc.record({
  workspaceId: fc.uuid(),
  name: fc.stringMatching(/^[a-zA-Z0-9_-]{1,64}$/),
  version: fc.integer({ min: 1, max: 1_000_000 }),
  dataKeyId: fc.uuid(),
});

const isOpen = async (opened: Promise<{ ok: boolean }>) => (await opened).ok;

describe("a sealed value", () => {
  test("opens to exactly the bytes that were sealed, where nothing was changed", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({ dataKey: key, iv: nonce, of: address, value: bytes(1, 10_240) }),
        async ({ dataKey, iv, of, value }) => {
          const sealed = await sealValue(dataKey, { value: new Secret(value), nonce: iv, address: of });
          const opened = await openValue(dataKey, sealed, of);
          expect(opened.ok && toBase64(opened.value.reveal())).toBe(toBase64(value));
        },
      ),
      { numRuns: 200 },
    );
  });

  test("never opens under another name, workspace, version, data key or key, nor as a record of v0.1", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({ dataKey: key, otherKey: key, iv: nonce, of: address, other: address }),
        async ({ dataKey, otherKey, iv, of, other }) => {
          const sealed = await sealValue(dataKey, { value: Secret.ofText("value"), nonce: iv, address: of });
          const parts = (["workspaceId", "name", "version", "dataKeyId"] as const).filter(
            (part) => of[part] !== other[part],
          );
          fc.pre(parts.length > 0 && toBase64(otherKey.reveal()) !== toBase64(dataKey.reveal()));
          const attempts = [
            ...parts.map((part) => isOpen(openValue(dataKey, sealed, { ...of, [part]: other[part] }))),
            isOpen(openValue(otherKey, sealed, of)),
            isOpen(openLegacyValue(dataKey, sealed)),
          ];
          expect(await Promise.all(attempts)).not.toContain(true);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("never opens with a part of it taken from another, or a bit changed", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({ dataKey: key, iv: nonce, otherIv: nonce, of: address, place: fc.nat() }),
        async ({ dataKey, iv, otherIv, of, place }) => {
          fc.pre(toBase64(iv) !== toBase64(otherIv));
          const seal = (text: string, with_: Uint8Array<ArrayBuffer>) =>
            sealValue(dataKey, { value: Secret.ofText(text), nonce: with_, address: of });
          const one = await seal("value one", iv);
          const two = await seal("value two!", otherIv);
          const attempts = (["encrypted_value", "nonce", "auth_tag"] as const).flatMap((part) => [
            isOpen(openValue(dataKey, { ...one, [part]: two[part] }, of)),
            isOpen(openValue(dataKey, flipped(one, part, place), of)),
            isOpen(openValue(dataKey, { ...one, [part]: "" }, of)),
          ]);
          expect(await Promise.all(attempts)).not.toContain(true);
        },
      ),
      { numRuns: 200 },
    );
  });
});

function flipped(sealed: SealedValue, part: keyof SealedValue, place: number): SealedValue {
  const decoded = fromBase64(sealed[part]);
  if (!decoded.ok) throw new Error("not base64");
  const at = place % (decoded.value.byteLength * 8);
  decoded.value[at >> 3]! ^= 1 << (at & 7);
  return { ...sealed, [part]: toBase64(decoded.value) };
}

const worlds = fc.record({ master: key, other: key, dataKey: key, iv: nonce, a: fc.uuid(), b: fc.uuid() });

test("a wrapped key opens for its own workspace, id, purpose and entry of the ring only", async () => {
  await fc.assert(
    fc.asyncProperty(worlds, async ({ master, other, dataKey, iv, a, b }) => {
      fc.pre(a !== b);
      const address = { workspaceId: a, keyId: a, purpose: "encrypt" as const };
      const ring = [
        { kid: "one", key: master },
        { kid: "two", key: other },
      ];
      const wrapped = await wrapKey(ring[0]!, { key: dataKey, nonce: iv, address });
      const opened = await unwrapKey(ring.toReversed(), wrapped, address);
      expect(opened.ok && toBase64(opened.value.reveal())).toBe(toBase64(dataKey.reveal()));
      for (const moved of [
        { ...address, workspaceId: b },
        { ...address, keyId: b },
        { ...address, purpose: "fingerprint" as const },
      ])
        expect(await unwrapKey(ring, wrapped, moved)).toEqual({ ok: false, error: "not_authentic" });
      expect(await unwrapKey(ring, { ...wrapped, kid: "two" }, address)).toMatchObject({ ok: false });
      expect(await unwrapKey(ring, { ...wrapped, kid: "gone" }, address)).toEqual({ ok: false, error: "unknown_kid" });
    }),
    { numRuns: 100 },
  );
});

test("fingerprints are equal for equal texts under one key, and differ under another", async () => {
  const [a, b] = [Secret.ofText("a".repeat(32)), Secret.ofText("b".repeat(32))];
  expect(await fingerprint(a, "1234")).toBe(await fingerprint(a, "1234"));
  expect(await fingerprint(a, "1234")).not.toBe(await fingerprint(b, "1234"));
});

test("base64 is strict, and exact for all bytes", () => {
  fc.assert(
    fc.property(bytes(0, 300), (value) => {
      const decoded = fromBase64(toBase64(value));
      expect(decoded.ok && [...decoded.value]).toEqual([...value]);
    }),
  );
  for (const text of ["a", "ab", "ab=", "a b=", "YQ==\n", "YR==", "YQ=", "_-==", "===="])
    expect(fromBase64(text), text).toEqual({ ok: false, error: "not_base64" });
});

test("a value's text and its bytes are one, or it has no text", () => {
  fc.assert(
    fc.property(bytes(1, 64), (value) => {
      const text = printValue(new Secret(value), "utf8");
      if (text === null) return;
      const parsed = parseValue(text, "utf8");
      expect(parsed.ok && [...parsed.value.reveal()]).toEqual([...value]);
    }),
    { numRuns: 1000 },
  );
});
