import { Command } from "commander";
import { EXIT_HELP } from "./cli-error.ts";
import { group } from "./leaf.ts";
import { CLI_VERSION } from "./version.ts";
import { applyCommand } from "./commands/apply-command.ts";
import { auditExportCommand, auditListCommand, auditVerifyCommand } from "./commands/audit-commands.ts";
import {
  configDeleteCommand,
  configDiffCommand,
  configHistoryCommand,
  configListCommand,
  configPreviewCommand,
  configShowCommand,
} from "./commands/config-commands.ts";
import { configRollbackCommand } from "./commands/config-rollback-command.ts";
import { configSaveCommand } from "./commands/config-save-command.ts";
import { deploymentsCommand, statusCommand } from "./commands/deployment-commands.ts";
import { configPurgeCommand, configRestoreCommand, renderRetryCommand } from "./commands/deletion-commands.ts";
import {
  devicesApproveCommand,
  devicesLabelCommand,
  devicesListCommand,
  devicesWaitingCommand,
} from "./commands/device-commands.ts";
import { pullCommand } from "./commands/pull-command.ts";
import { acceptProposalCommand, dismissProposalCommand, proposalsCommand } from "./commands/proposal-commands.ts";
import { schemaImpactCommand, schemaPreviewCommand } from "./commands/impact-commands.ts";
import { schemaListCommand, schemaShowCommand } from "./commands/schema-commands.ts";
import {
  secretsDeleteCommand,
  secretsGetCommand,
  secretsListCommand,
  secretsNeededCommand,
  secretsSetCommand,
  secretsUndeleteCommand,
} from "./commands/secret-commands.ts";
import { configUploadCommand } from "./commands/upload-command.ts";
import { exportCommand } from "./commands/export-command.ts";
import { importCommand } from "./commands/import-command.ts";
import { loginCommand, logoutCommand, whoamiCommand } from "./commands/session-commands.ts";

const HELP = `
A first look:
  leger login
  leger config save openwebui --file decisions.json
  leger config preview openwebui --set services.enable_redis=true
  leger apply openwebui
  leger status

Exit codes:
${EXIT_HELP.map(([code, what]) => `  ${code}  ${what}`).join("\n")}

Environment:
  LEGER_API_URL    the server, where it is not the one that you signed in to
  LEGER_TOKEN      a token, instead of the one that login keeps
  LEGER_ISSUER     the server's TOKEN_ISSUER, where it is not its address; for the first key of a shared tailnet
  LEGER_QUADLET    the quadlet generator that apply asks
  NO_COLOR         no colours; there are none either where the output is no terminal`;

/** All commands; nothing is read or called before one of them runs. */
export function makeProgram(): Command {
  const program = new Command("leger")
    .description("Decisions in, verified Podman Quadlet files out.")
    .version(CLI_VERSION)
    .showHelpAfterError("(add --help for the commands)")
    .exitOverride()
    .addHelpText("after", HELP);
  const commands = [
    loginCommand(),
    logoutCommand(),
    whoamiCommand(),
    statusCommand(),
    group("config", "Deployments: their decisions, versions and renders.", [
      configListCommand(),
      configShowCommand(),
      configSaveCommand(),
      configPreviewCommand(),
      configDiffCommand(),
      configHistoryCommand(),
      configRollbackCommand(),
      configDeleteCommand(),
      configUploadCommand(),
      configRestoreCommand(),
      configPurgeCommand(),
      renderRetryCommand(),
    ]),
    pullCommand(),
    applyCommand(),
    deploymentsCommand(),
    group("devices", "Machines.", [
      devicesListCommand(),
      devicesLabelCommand(),
      devicesWaitingCommand(),
      devicesApproveCommand(),
    ]),
    group("secrets", "Values that containers need: stored encrypted, shown to whoever asks for one by name.", [
      secretsListCommand(),
      secretsSetCommand(),
      secretsGetCommand(),
      secretsDeleteCommand(),
      secretsUndeleteCommand(),
      secretsNeededCommand(),
    ]),
    group("schema", "Releases of template packs.", [
      schemaListCommand(),
      schemaShowCommand(),
      schemaImpactCommand(),
      schemaPreviewCommand(),
      proposalsCommand(),
      acceptProposalCommand(),
      dismissProposalCommand(),
    ]),
    exportCommand(),
    importCommand(),
    group("audit", "Who changed what.", [auditListCommand(), auditVerifyCommand(), auditExportCommand()]),
  ];
  for (const command of commands) program.addCommand(command);
  return program;
}
