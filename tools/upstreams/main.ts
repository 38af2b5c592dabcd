import path from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { DEFAULT_REPOSITORIES, startUpstreams } from "./start-upstreams.ts";

/** `node tools/upstreams/main.ts --port 4600`: one line of JSON with the addresses, then it serves until SIGTERM. */
const command = new Command("upstreams")
  .description("Play GitHub's releases API and Tailscale's devices and users API, locally.")
  .option("--port <number>", "port on 127.0.0.1; 0 takes a free one", wholeNumber, 4600)
  .option(
    "--fixtures <folder>",
    "folder with <pack>/<version>/pack",
    path.join(import.meta.dirname, "../../templates-fixtures"),
  )
  .option("--published <versions>", "comma-separated versions that are released at the start (default: all)");
command.parse();
const options = command.opts<{ port: number; fixtures: string; published?: string }>();
const published = options.published?.split(",").filter((version) => version !== "");

const upstreams = await startUpstreams({
  fixtures: options.fixtures,
  port: options.port,
  repositories: DEFAULT_REPOSITORIES.map((spec) => ({ ...spec, ...(published && { published }) })),
});
const { url, githubUrl, tailscaleUrl } = upstreams;
process.stdout.write(
  `${JSON.stringify({ github: githubUrl, tailscale: tailscaleUrl, control: `${url}/__control` })}\n`,
);

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => void upstreams.close());
}

function wholeNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new InvalidArgumentError("a port is 0 to 65535");
  return Number(text);
}
