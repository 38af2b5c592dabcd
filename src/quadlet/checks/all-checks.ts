import type { Check } from "#quadlet/checks/check.ts";
import { autoUpdate } from "#quadlet/checks/auto-update.ts";
import { boolValue } from "#quadlet/checks/bool-value.ts";
import { buildContext } from "#quadlet/checks/build-context.ts";
import { dependencyCycle } from "#quadlet/checks/dependency-cycle.ts";
import { dependencyName } from "#quadlet/checks/dependency-name.ts";
import { dropInScope } from "#quadlet/checks/drop-in-scope.ts";
import { duplicateKey } from "#quadlet/checks/duplicate-key.ts";
import { exposePort } from "#quadlet/checks/expose-port.ts";
import { fileMissing } from "#quadlet/checks/file-missing.ts";
import { healthCheck } from "#quadlet/checks/health-check.ts";
import { imageName } from "#quadlet/checks/image-name.ts";
import { keyTooNew } from "#quadlet/checks/key-too-new.ts";
import { keyUnknown } from "#quadlet/checks/key-unknown.ts";
import { keyvalWord } from "#quadlet/checks/keyval-word.ts";
import { lineEnd } from "#quadlet/checks/line-end.ts";
import { literalSecret } from "#quadlet/checks/literal-secret.ts";
import { mountPath } from "#quadlet/checks/mount-path.ts";
import { mountSyntax } from "#quadlet/checks/mount-syntax.ts";
import { networkAddress } from "#quadlet/checks/network-address.ts";
import { networkJoin } from "#quadlet/checks/network-join.ts";
import { notifyHealthy } from "#quadlet/checks/notify-healthy.ts";
import { portConflict } from "#quadlet/checks/port-conflict.ts";
import { portIgnored } from "#quadlet/checks/port-ignored.ts";
import { publishPort } from "#quadlet/checks/publish-port.ts";
import { quotedValue } from "#quadlet/checks/quoted-value.ts";
import { referenceMissing } from "#quadlet/checks/reference-missing.ts";
import { reloadConflict } from "#quadlet/checks/reload-conflict.ts";
import { requiredKey } from "#quadlet/checks/required-key.ts";
import { resourceCollision } from "#quadlet/checks/resource-collision.ts";
import { secretSyntax } from "#quadlet/checks/secret-syntax.ts";
import { sectionUnknown } from "#quadlet/checks/section-unknown.ts";
import { serviceCollision } from "#quadlet/checks/service-collision.ts";
import { serviceType } from "#quadlet/checks/service-type.ts";
import { serviceUser } from "#quadlet/checks/service-user.ts";
import { systemdKey } from "#quadlet/checks/systemd-key.ts";
import { systemdValueCheck } from "#quadlet/checks/systemd-value.ts";
import { trailingComment } from "#quadlet/checks/trailing-comment.ts";
import { typeTooNew } from "#quadlet/checks/type-too-new.ts";
import { uidNumber } from "#quadlet/checks/uid-number.ts";
import { unitName } from "#quadlet/checks/unit-name.ts";
import { unitShadowed } from "#quadlet/checks/unit-shadowed.ts";
import { unitSyntax } from "#quadlet/checks/unit-syntax.ts";
import { unusedUnit } from "#quadlet/checks/unused-unit.ts";
import { userGroup } from "#quadlet/checks/user-group.ts";
import { userMapping } from "#quadlet/checks/user-mapping.ts";
import { valueFormat } from "#quadlet/checks/value-format.ts";
import { volumeDevice } from "#quadlet/checks/volume-device.ts";
import { volumeSyntax } from "#quadlet/checks/volume-syntax.ts";
import { wordSyntax } from "#quadlet/checks/word-syntax.ts";

/** Every rule, in the order of its file name; findings are sorted by place anyway. */
export const ALL_CHECKS: readonly Check[] = [
  autoUpdate,
  boolValue,
  buildContext,
  dependencyCycle,
  dependencyName,
  dropInScope,
  duplicateKey,
  exposePort,
  fileMissing,
  healthCheck,
  imageName,
  keyTooNew,
  keyUnknown,
  keyvalWord,
  lineEnd,
  literalSecret,
  mountPath,
  mountSyntax,
  networkAddress,
  networkJoin,
  notifyHealthy,
  portConflict,
  portIgnored,
  publishPort,
  quotedValue,
  referenceMissing,
  reloadConflict,
  requiredKey,
  resourceCollision,
  secretSyntax,
  sectionUnknown,
  serviceCollision,
  serviceType,
  serviceUser,
  systemdKey,
  systemdValueCheck,
  trailingComment,
  typeTooNew,
  uidNumber,
  unitName,
  unitShadowed,
  unitSyntax,
  unusedUnit,
  userGroup,
  userMapping,
  valueFormat,
  volumeDevice,
  volumeSyntax,
  wordSyntax,
];
