import { expect, test } from "vitest";
import { isKeyKnown, isRepeatable, keyInfo } from "#quadlet/key-table.ts";
import { comparePodman } from "#quadlet/podman-version.ts";

test("a key is known from its release on", () => {
  const memory = keyInfo("Container", "Memory");
  expect(memory && [isKeyKnown(memory, "5.4"), isKeyKnown(memory, "5.5")]).toEqual([false, true]);
  expect(keyInfo("Container", "memory")).toBeNull();
  expect(keyInfo("Container", "toString")).toBeNull();
  expect(keyInfo("constructor", "Image")).toBeNull();
});

test("repeatability follows the release", () => {
  const yaml = keyInfo("Kube", "Yaml");
  const ip = keyInfo("Pod", "IP");
  expect(yaml && [isRepeatable(yaml, "5.6"), isRepeatable(yaml, "5.7")]).toEqual([false, true]);
  expect(ip && [isRepeatable(ip, "5.3"), isRepeatable(ip, "5.4")]).toEqual([true, false]);
});

test("versions compare as numbers", () => {
  expect(comparePodman("5.10", "5.9.9")).toBeGreaterThan(0);
  expect(comparePodman("5.4", "5.4.0")).toBe(0);
  expect(comparePodman("v6.0.0-rc1", "5.8.6")).toBeGreaterThan(0);
});
