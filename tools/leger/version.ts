import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";

/** The package's version, which the API is told (`x-leger-cli-version`). */
export const CLI_VERSION = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(path.join(import.meta.dirname, "../../package.json"), "utf8"))).version;
