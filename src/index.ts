import { workerOn } from "#worker.ts";
import { depsFrom } from "#deps.ts";

export default workerOn(depsFrom);
