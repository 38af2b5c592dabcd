import { z } from "zod";

export const PlanAction = z.enum([
  "pull",
  "create_secret",
  "stop",
  "remove",
  "install",
  "recreate_network",
  "start",
  "restart",
  "reload",
]);
export type PlanAction = z.infer<typeof PlanAction>;

/** Why a step is there; `because` names keys, files or services, never values. */
export const PlanReason = z.object({
  code: z.enum([
    "new_image",
    "new_secret",
    "new_service",
    "removed_service",
    "removed_network",
    "changed_keys",
    "changed_files",
    "changed_image",
    "changed_units",
    "network_changed",
    "dependency_restarts",
    "port_moves",
  ]),
  because: z.array(z.string()),
});
export type PlanReason = z.infer<typeof PlanReason>;

/**
 * One step, in order. `target` is an image, a secret, a network, or a service without `.service`; of `install` it is the deployment's
 * folder. An `is_implied` step happens by itself: systemd restarts what requires a restarted service.
 */
export const PlanStep = z.object({
  action: PlanAction,
  target: z.string(),
  reason: PlanReason,
  is_implied: z.boolean(),
  text: z.string(),
});
export type PlanStep = z.infer<typeof PlanStep>;

/** Data that somebody may lose or miss; named before anything else in every account of a plan. */
export const DataRisk = z.object({
  code: z.enum([
    "volume_renamed",
    "volume_dropped",
    "volume_options",
    "mount_path_changed",
    "bind_source_changed",
    "database_major",
    "database_replaced",
    "image_downgrade",
  ]),
  service: z.string().nullable(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  text: z.string(),
});
export type DataRisk = z.infer<typeof DataRisk>;

/** What installing one render over another does. Without steps, nothing happens on the device. */
export const Plan = z
  .object({
    format: z.literal(1),
    risks: z.array(DataRisk),
    steps: z.array(PlanStep),
    unchanged: z.array(z.string()),
  })
  .meta({ id: "Plan" });
export type Plan = z.infer<typeof Plan>;
