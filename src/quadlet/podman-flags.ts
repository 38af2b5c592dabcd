/**
 * The flag of `podman run`, `podman pod create` and so on behind a key, for keys that a supported Podman may lack while its
 * command line has the flag already. Where the flag is as new as the key there is nothing to express it with.
 * Source: the conversion code of Podman 5.8 and the manual pages of 5.4. `bool` keys turn into `--flag=true`.
 */
type FlagRule = { readonly flag: string; readonly isBool?: boolean };

const FLAGS: Readonly<Record<string, Readonly<Record<string, FlagRule>>>> = {
  Container: {
    AddHost: { flag: "--add-host" },
    CgroupsMode: { flag: "--cgroups" },
    DNS: { flag: "--dns" },
    HealthLogDestination: { flag: "--health-log-destination" },
    HealthMaxLogCount: { flag: "--health-max-log-count" },
    HealthMaxLogSize: { flag: "--health-max-log-size" },
    HttpProxy: { flag: "--http-proxy", isBool: true },
    LogOpt: { flag: "--log-opt" },
    Memory: { flag: "--memory" },
    NetworkAlias: { flag: "--network-alias" },
    Retry: { flag: "--retry" },
    RetryDelay: { flag: "--retry-delay" },
    StopSignal: { flag: "--stop-signal" },
    StopTimeout: { flag: "--stop-timeout" },
  },
  Pod: {
    AddHost: { flag: "--add-host" },
    ExitPolicy: { flag: "--exit-policy" },
    HostName: { flag: "--hostname" },
    IP: { flag: "--ip" },
    IP6: { flag: "--ip6" },
    Label: { flag: "--label" },
    ShmSize: { flag: "--shm-size" },
  },
  Network: { InterfaceName: { flag: "--interface-name" } },
  Volume: { UID: { flag: "--uid" }, GID: { flag: "--gid" } },
  Image: {
    Policy: { flag: "--policy" },
    Retry: { flag: "--retry" },
    RetryDelay: { flag: "--retry-delay" },
  },
  Build: {
    BuildArg: { flag: "--build-arg" },
    IgnoreFile: { flag: "--ignorefile" },
    Retry: { flag: "--retry" },
    RetryDelay: { flag: "--retry-delay" },
  },
};

export function flagRule(section: string, key: string): FlagRule | null {
  return FLAGS[section]?.[key] ?? null;
}

export const podmanFlag = (section: string, key: string): string | null => flagRule(section, key)?.flag ?? null;
