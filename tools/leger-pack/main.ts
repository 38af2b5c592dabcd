import { runLegerPack } from "./run-leger-pack.ts";

process.exitCode = await runLegerPack(process.argv.slice(2));
