/**
 * Keys of the sections that systemd reads itself, as `systemd --dump-configuration-items` of 252 prints them, with those that
 * 253 to 258 added. systemd warns about any other key and ignores it.
 */
type SystemdSection = "Unit" | "Service" | "Install";

const words = (...lines: string[]): readonly string[] => lines.flatMap((line) => line.split(" "));

const KEYS: Readonly<Record<SystemdSection, readonly string[]>> = {
  Unit: words(
    "After AllowIsolate AssertACPower AssertArchitecture AssertCPUFeature AssertCPUPressure AssertCPUs",
    "AssertCapability AssertControlGroupController AssertCredential AssertDirectoryNotEmpty AssertEnvironment",
    "AssertFileIsExecutable AssertFileNotEmpty AssertFirstBoot AssertGroup AssertHost AssertIOPressure",
    "AssertKernelCommandLine AssertKernelModuleLoaded AssertKernelVersion AssertMemory AssertMemoryPressure",
    "AssertNeedsUpdate AssertOSRelease AssertPathExists AssertPathExistsGlob AssertPathIsDirectory",
    "AssertPathIsEncrypted AssertPathIsMountPoint AssertPathIsReadWrite AssertPathIsSocket",
    "AssertPathIsSymbolicLink AssertSecurity AssertUser AssertVersion AssertVirtualization Before BindTo BindsTo",
    "CollectMode ConditionACPower ConditionArchitecture ConditionCPUFeature ConditionCPUPressure ConditionCPUs",
    "ConditionCapability ConditionControlGroupController ConditionCredential ConditionDirectoryNotEmpty",
    "ConditionEnvironment ConditionFileIsExecutable ConditionFileNotEmpty ConditionFirmware ConditionFirstBoot",
    "ConditionGroup ConditionHost ConditionIOPressure ConditionKernelCommandLine ConditionKernelModuleLoaded",
    "ConditionKernelVersion ConditionMemory ConditionMemoryPressure ConditionNeedsUpdate ConditionOSRelease",
    "ConditionPathExists ConditionPathExistsGlob ConditionPathIsDirectory ConditionPathIsEncrypted",
    "ConditionPathIsMountPoint ConditionPathIsReadWrite ConditionPathIsSocket ConditionPathIsSymbolicLink",
    "ConditionSecurity ConditionUser ConditionVersion ConditionVirtualization Conflicts DefaultDependencies",
    "Description Documentation FailureAction FailureActionExitStatus IgnoreOnIsolate JobRunningTimeoutSec",
    "JobTimeoutAction JobTimeoutRebootArgument JobTimeoutSec JoinsNamespaceOf OnFailure OnFailureIsolate",
    "OnFailureJobMode OnSuccess OnSuccessJobMode PartOf PropagateReloadFrom PropagateReloadTo PropagatesReloadTo",
    "PropagatesStopTo RebootArgument RefuseManualStart RefuseManualStop ReloadPropagatedFrom Requires",
    "RequiresMountsFor RequiresOverridable Requisite RequisiteOverridable SourcePath StartLimitAction",
    "StartLimitBurst StartLimitInterval StartLimitIntervalSec StopPropagatedFrom StopWhenUnneeded SuccessAction",
    "SuccessActionExitStatus SurviveFinalKillSignal Upholds Wants WantsMountsFor",
  ),
  Service: words(
    "AllowedCPUs AllowedMemoryNodes AmbientCapabilities AppArmorProfile BPFProgram BindNetworkInterface BindPaths",
    "BindReadOnlyPaths BlockIOAccounting BlockIODeviceWeight BlockIOReadBandwidth BlockIOWeight",
    "BlockIOWriteBandwidth BusName CPUAccounting CPUAffinity CPUQuota CPUQuotaPeriodSec CPUSchedulingPolicy",
    "CPUSchedulingPriority CPUSchedulingResetOnFork CPUShares CPUWeight CacheDirectory CacheDirectoryMode",
    "CacheDirectoryQuota CapabilityBoundingSet ConfigurationDirectory ConfigurationDirectoryMode CoredumpFilter",
    "CoredumpReceive DefaultMemoryLow DefaultMemoryMin Delegate DelegateSubgroup DeviceAllow DevicePolicy",
    "DisableControllers DynamicUser Environment EnvironmentFile ExecCondition ExecPaths ExecReload ExecSearchPath",
    "ExecStart ExecStartPost ExecStartPre ExecStop ExecStopPost ExitType ExtensionDirectories ExtensionImages",
    "FailureAction FileDescriptorStoreMax FileDescriptorStorePreserve FinalKillSignal Group GuessMainPID",
    "IOAccounting IODeviceLatencyTargetSec IODeviceWeight IOReadBandwidthMax IOReadIOPSMax IOSchedulingClass",
    "IOSchedulingPriority IOWeight IOWriteBandwidthMax IOWriteIOPSMax IPAccounting IPAddressAllow IPAddressDeny",
    "IPCNamespacePath IPEgressFilterPath IPIngressFilterPath IgnoreSIGPIPE ImportCredential",
    "InaccessibleDirectories InaccessiblePaths KeyringMode KillMode KillSignal LimitAS LimitCORE LimitCPU",
    "LimitDATA LimitFSIZE LimitLOCKS LimitMEMLOCK LimitMSGQUEUE LimitNICE LimitNOFILE LimitNPROC LimitRSS",
    "LimitRTPRIO LimitRTTIME LimitSIGPENDING LimitSTACK LoadCredential LoadCredentialEncrypted LockPersonality",
    "LogExtraFields LogFilterPatterns LogLevelMax LogNamespace LogRateLimitBurst LogRateLimitIntervalSec",
    "LogsDirectory LogsDirectoryMode LogsDirectoryQuota ManagedOOMMemoryPressure ManagedOOMMemoryPressureLimit",
    "ManagedOOMPreference ManagedOOMSwap MemoryAccounting MemoryDenyWriteExecute MemoryHigh MemoryKSM MemoryLimit",
    "MemoryLow MemoryMax MemoryMin MemoryPressureThresholdSec MemoryPressureWatch MemorySwapMax MemoryTHP",
    "MemoryZSwapWriteback MountAPIVFS MountFlags MountImages NFTSet NUMAMask NUMAPolicy NetworkNamespacePath Nice",
    "NoExecPaths NoNewPrivileges NonBlocking NotifyAccess OOMPolicy OOMScoreAdjust OpenFile PAMName PIDFile",
    "PassEnvironment PermissionsStartOnly Personality PrivateBPF PrivateDevices PrivateIPC PrivateMounts",
    "PrivateNetwork PrivatePIDs PrivateTmp PrivateUsers ProcSubset ProtectClock ProtectControlGroups ProtectHome",
    "ProtectHostname ProtectKernelLogs ProtectKernelModules ProtectKernelTunables ProtectProc ProtectSystem",
    "ReadOnlyDirectories ReadOnlyPaths ReadWriteDirectories ReadWritePaths RebootArgument ReloadSignal",
    "RemainAfterExit RemoveIPC Restart RestartForceExitStatus RestartKillSignal RestartMaxDelaySec RestartMode",
    "RestartPreventExitStatus RestartSec RestartSteps RestrictAddressFamilies RestrictFileSystems",
    "RestrictNamespaces RestrictNetworkInterfaces RestrictRealtime RestrictSUIDSGID RootDirectory",
    "RootDirectoryStartOnly RootEphemeral RootHash RootHashSignature RootImage RootImageOptions RootVerity",
    "RuntimeDirectory RuntimeDirectoryMode RuntimeDirectoryPreserve RuntimeMaxSec RuntimeRandomizedExtraSec",
    "SELinuxContext SecureBits SendSIGHUP SendSIGKILL SetCredential SetCredentialEncrypted SetLoginEnvironment",
    "Slice SmackProcessLabel SocketBindAllow SocketBindDeny Sockets StandardError StandardInput StandardInputData",
    "StandardInputText StandardOutput StartLimitAction StartLimitBurst StartLimitInterval StartupAllowedCPUs",
    "StartupAllowedMemoryNodes StartupBlockIOWeight StartupCPUShares StartupCPUWeight StartupIOWeight",
    "StartupMemoryHigh StartupMemoryLow StartupMemoryMax StartupMemorySwapMax StartupMemoryZSwapMax",
    "StateDirectory StateDirectoryAccounting StateDirectoryMode StateDirectoryQuota SuccessExitStatus",
    "SupplementaryGroups SyslogFacility SyslogIdentifier SyslogLevel SyslogLevelPrefix SystemCallArchitectures",
    "SystemCallErrorNumber SystemCallFilter SystemCallLog TTYColumns TTYPath TTYReset TTYRows TTYVHangup",
    "TTYVTDisallocate TasksAccounting TasksMax TemporaryFileSystem TimeoutAbortSec TimeoutCleanSec TimeoutSec",
    "TimeoutStartFailureMode TimeoutStartSec TimeoutStopFailureMode TimeoutStopSec TimerSlackNSec Type UMask",
    "USBFunctionDescriptors USBFunctionStrings UnsetEnvironment User UtmpIdentifier UtmpMode WatchdogSec",
    "WatchdogSignal WorkingDirectory",
  ),
  Install: words("Alias Also DefaultInstance RequiredBy WantedBy"),
};

const BOOLEANS = new Set(
  words(
    "AllowIsolate BlockIOAccounting CPUAccounting CPUSchedulingResetOnFork DefaultDependencies DynamicUser",
    "GuessMainPID IOAccounting IPAccounting IgnoreOnIsolate IgnoreSIGPIPE LockPersonality MemoryAccounting",
    "MemoryDenyWriteExecute NoNewPrivileges NonBlocking OnFailureIsolate PermissionsStartOnly PrivateDevices",
    "PrivateIPC PrivateMounts PrivateNetwork ProtectClock ProtectHostname ProtectKernelLogs ProtectKernelModules",
    "ProtectKernelTunables RefuseManualStart RefuseManualStop RemainAfterExit RemoveIPC RestrictRealtime",
    "RestrictSUIDSGID RootDirectoryStartOnly SendSIGHUP SendSIGKILL StopWhenUnneeded SyslogLevelPrefix TTYReset",
    "TTYVHangup TTYVTDisallocate TasksAccounting",
  ),
);
const DURATIONS = new Set(
  words(
    "JobRunningTimeoutSec JobTimeoutSec LogRateLimitIntervalSec RestartSec RuntimeMaxSec",
    "RuntimeRandomizedExtraSec StartLimitInterval StartLimitIntervalSec TimeoutAbortSec TimeoutCleanSec",
    "TimeoutSec TimeoutStartSec TimeoutStopSec WatchdogSec",
  ),
);

const RESTART = words("no always on-success on-failure on-abnormal on-abort on-watchdog");
const TYPE = words("simple exec forking oneshot dbus notify notify-reload idle");

/** What systemd accepts for a key, for the keys where a wrong value is common; null where anything goes. */
export type SystemdValue =
  | { readonly kind: "bool" | "seconds" }
  | { readonly kind: "choice"; readonly choices: readonly string[] };

export function systemdValue(key: string): SystemdValue | null {
  if (BOOLEANS.has(key)) return { kind: "bool" };
  if (DURATIONS.has(key)) return { kind: "seconds" };
  if (key === "Restart") return { kind: "choice", choices: RESTART };
  return key === "Type" ? { kind: "choice", choices: TYPE } : null;
}

const KEY_SETS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(KEYS).map(([section, keys]) => [section, new Set(keys)]),
);

const NO_KEYS: ReadonlySet<string> = new Set();

export const SYSTEMD_SECTIONS: readonly SystemdSection[] = ["Unit", "Service", "Install"];
/** None for a section that systemd does not read. */
export const systemdKeys = (section: string): ReadonlySet<string> => KEY_SETS.get(section) ?? NO_KEYS;
