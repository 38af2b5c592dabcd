import type { Permission } from "#core/permissions.ts";
import type { world } from "./world.ts";

export type Operation = {
  name: string;
  method: string;
  /** With parameters filled in: of nobody's. */
  path: string;
  template: string;
  isOpen: boolean;
  permission: Permission | undefined;
};

/** Every operation of openapi.json, for tests that each route must pass. */
export async function operations(w: Pick<ReturnType<typeof world>, "request">): Promise<Operation[]> {
  const { paths } = (await w.request<never>("GET", "/openapi.json")).body as unknown as {
    paths: Record<string, Record<string, { security?: unknown[]; operationId: string; "x-permission"?: Permission }>>;
  };
  return Object.entries(paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: operation.operationId,
      method: method.toUpperCase(),
      template,
      path: concrete(template),
      isOpen: operation.security?.length === 0,
      permission: operation["x-permission"],
    })),
  );
}

const concrete = (template: string) =>
  template.replace("{version}", template.startsWith("/schemas") ? "v9.9.9" : "999999").replaceAll(/\{\w+\}/g, "x");
