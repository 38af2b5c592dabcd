import type { Preview } from "#actions/preview-save.ts";
import { AppError } from "#core/errors.ts";
import type { Finding } from "#core/finding.ts";
import type { LostDecision } from "#core/migration/describe-losses.ts";

type Losses = { lost: readonly LostDecision[]; preview: Preview; isAccepted: boolean };

/**
 * Refuses what loses decisions or risks data as long as nobody has said that they know. Asked of the plan that is about to be
 * committed, not of the preview that somebody saw: a save in between may have changed what is lost.
 */
export function requireAccepted({ lost, preview, isAccepted }: Losses): void {
  if (isAccepted) return;
  const risks = (preview.comparison?.plan.risks ?? []).map(({ text }): Finding => warning("data_risk", text));
  const decisions = lost.map(({ decision, title, reason, value }): Finding => {
    const shown = value === undefined ? "" : ` (${JSON.stringify(value)})`;
    return { ...warning("decision_lost", `${title}${shown} is lost: ${reason}`), decision };
  });
  const details = [...risks, ...decisions];
  if (details.length > 0) throw AppError.of("losses_not_accepted", { count: details.length }, { details });
}

const warning = (code: string, message: string): Finding => ({
  code,
  severity: "warning",
  message,
  action: "Send accept_losses: true if that is all right.",
});
