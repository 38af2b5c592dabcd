#!/usr/bin/env node
// `leger-pack`, for who has it on the path (`npm link`).
import path from "node:path";
import { launch } from "../launch.mjs";

await launch("leger-pack", path.join(import.meta.dirname, "main.ts"));
