/** One refusal of the catalogue: status, a sentence in the user's nouns, one imperative action. */
export type Status = 400 | 401 | 403 | 404 | 409 | 410 | 412 | 413 | 414 | 415 | 422 | 428 | 429 | 431 | 500 | 503;
export type Row<P> = {
  status: Status;
  message: (params: P) => string;
  action: string;
  retryAfterSeconds: number | null;
};

export type NoParams = Record<string, never>;

export function row<P>(
  status: Status,
  message: (params: P) => string,
  ...rest: [action: string, retryAfterSeconds?: number]
): Row<P> {
  return { status, message, action: rest[0], retryAfterSeconds: rest[1] ?? null };
}
