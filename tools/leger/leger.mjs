#!/usr/bin/env node
// `leger` and `legerctl`.
import path from "node:path";
import { launch } from "../launch.mjs";

await launch("leger", path.join(import.meta.dirname, "main.ts"));
