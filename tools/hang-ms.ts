/** When a test hangs. Generous, because tests on a busy machine take several times as long, and no test is there to tell how long it takes. */
export const HANG_MS = 240_000;
