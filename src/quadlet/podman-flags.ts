/**
 * The flag behind a key that Podman 5.4 refuses in a unit while its command line has the flag already. Keys whose flag is as new
 * as they are, such as Policy= of an image, have no row. Source: the manual pages of 5.4.2 and the conversion code of 5.8.
 */
export type FlagRule = { readonly flag: string; readonly isBool?: boolean; readonly prefix?: string };

const FLAGS: Readonly<Record<string, Readonly<Record<string, FlagRule>>>> = {
  Container: {
    AppArmor: { flag: "--security-opt", prefix: "apparmor=" },
    HttpProxy: { flag: "--http-proxy", isBool: true },
    Memory: { flag: "--memory" },
    Retry: { flag: "--retry" },
    RetryDelay: { flag: "--retry-delay" },
  },
  Pod: {
    ExitPolicy: { flag: "--exit-policy" },
    HostName: { flag: "--hostname" },
    Label: { flag: "--label" },
  },
  Network: { InterfaceName: { flag: "--interface-name" } },
  Image: { Retry: { flag: "--retry" }, RetryDelay: { flag: "--retry-delay" } },
  Build: {
    BuildArg: { flag: "--build-arg" },
    IgnoreFile: { flag: "--ignorefile" },
    Retry: { flag: "--retry" },
    RetryDelay: { flag: "--retry-delay" },
  },
};

/** Older command lines were not looked at. */
export const FLAGS_KNOWN_SINCE = "5.4.0";

export const flagRule = (section: string, key: string): FlagRule | null => FLAGS[section]?.[key] ?? null;
