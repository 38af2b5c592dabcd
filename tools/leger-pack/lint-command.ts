import { Command } from "commander";
import { hasErrors } from "#core/finding.ts";
import { checkUnits } from "#quadlet/check-units.ts";
import { unitTypeOf } from "#quadlet/unit-names.ts";
import { podmanVersion } from "./podman-version.ts";
import { printFindings } from "./print-findings.ts";
import { readBundle } from "./read-input.ts";
import { toSarif } from "./sarif.ts";
import { usageError } from "./usage-error.ts";

type Options = { podman: string; json?: true; sarif?: true };

export const lintCommand = (exit: (code: number) => void) =>
  new Command("lint")
    .description("Check quadlet files: will they start on that Podman? Errors are certain, warnings may surprise.")
    .argument("<files...>", "a folder that is one bundle, or the files of one")
    .option("--podman <version>", "the Podman that will run them", podmanVersion, "5.4")
    .option("--json", "findings as JSON lines")
    .option("--sarif", "findings as SARIF 2.1.0")
    .addHelpText("after", "\nExample: leger-pack lint ~/.config/containers/systemd --podman 5.8")
    .action((files: string[], options: Options) => {
      const bundle = readBundle(files);
      const units = bundle.filter(({ filename }) => unitTypeOf(filename) !== null).length;
      if (units === 0)
        throw usageError(`${files.join(", ")}: no quadlet units there; of a pack, check what render writes`);
      const findings = checkUnits(bundle, { podmanTarget: options.podman });
      if (options.sarif) console.log(JSON.stringify(toSarif(findings), null, 2));
      else if (options.json) for (const finding of findings) console.log(JSON.stringify(finding));
      else printFindings(findings, `in ${units} ${units === 1 ? "unit" : "units"} for Podman ${options.podman}`);
      exit(hasErrors(findings) ? 1 : 0);
    });
