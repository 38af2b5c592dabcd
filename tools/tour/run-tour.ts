import { readFileSync, writeFileSync } from "node:fs";
import { styleText } from "node:util";
import { startStack } from "./local-stack.ts";
import { playTour } from "./play-tour.ts";
import { TOUR_PAGE, comparable, withOutputs } from "./replay.ts";
import { findGenerator } from "./stand-in-machine.ts";

/**
 * Runs every command of docs/tour.md on a fresh stack and holds what it prints against the page (`npm run tour`), or writes it
 * there (`--write`). systemctl and podman are stand-ins, the rest is the product.
 */
async function main(): Promise<number> {
  if (findGenerator() === undefined) {
    console.error("There is no quadlet generator here: tools/quadlet-generator.sh trixie .leger/quadlet-5.4");
    return 2;
  }
  const isWriting = process.argv.includes("--write");
  const stack = await startStack();
  const played = await playTour(stack).finally(() => stack.close());
  let differences = 0;
  for (const { command, output, shown } of played) {
    const isSame = comparable(shown) === comparable(output);
    if (!isSame) differences += 1;
    console.log(`${isSame ? styleText("green", "✓") : styleText("red", "differs")} $ ${command}`);
    if (!isSame) console.log(shown);
  }
  if (isWriting)
    writeFileSync(
      TOUR_PAGE,
      withOutputs(
        readFileSync(TOUR_PAGE, "utf8"),
        played.map(({ shown }) => shown),
      ),
    );
  console.log(
    `${played.length} commands, ${differences} ${differences === 1 ? "differs" : "differ"} from the page${isWriting ? ", which is written" : ""}`,
  );
  return isWriting || differences === 0 ? 0 : 1;
}

process.exitCode = await main();
