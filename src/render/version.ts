/**
 * Stored with every render. Grows by one with each change of the engine that could change an output byte, so that equal
 * inputs (version, pack, engine version) always mean equal bytes.
 */
export const ENGINE_VERSION = "1";
