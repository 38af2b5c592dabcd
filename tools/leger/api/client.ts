import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { CliError, EXIT } from "../cli-error.ts";
import { CLI_VERSION } from "../version.ts";
import { retryDelayMs } from "./backoff.ts";
import { type DeviceKey, makeProof } from "./device-key.ts";

const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
const TIMEOUT_MS = 30_000;

type Method = "GET" | "POST" | "PUT" | "DELETE";
export type Query = Record<string, string | number | undefined>;
export type Request = {
  method?: Method;
  path: string;
  query?: Query;
  /** Sent as JSON; a FormData as it is. */
  body?: unknown;
  headers?: Record<string, string>;
  /** In place of a fresh Idempotency-Key: what was done under it in the last 24 hours is answered again, and not done again. */
  idempotencyKey?: string;
  /** Of a write without an Idempotency-Key: may it be done twice? Reads always may. */
  isRepeatable?: boolean;
  bytesMax?: number;
};
export type Answer = { status: number; headers: Headers; bytes: Uint8Array };
export type Parsed<T> = { status: number; headers: Headers; data: T };
export type Api = ReturnType<typeof makeApi>;

const Envelope = z.union([
  z.object({ success: z.literal(true), data: z.unknown() }),
  z.object({
    success: z.literal(false),
    error: z.object({
      code: z.string(),
      message: z.string(),
      action: z.string(),
      details: z.array(z.record(z.string(), z.unknown())).optional(),
    }),
  }),
]);

type Connection = {
  server: string;
  token: string | null;
  /** Signs each request, where the token is bound to a device's key, or is about to be. */
  key: DeviceKey | null;
  say: (text: string) => void;
};

/**
 * The API as this client reads it. Every answer is parsed by the shape that the caller gives; a refusal becomes a CliError
 * with the API's own sentence and action. What is safe to repeat is repeated, after the time that the server names.
 */
export function makeApi(of: Connection) {
  const sender = makeSender(of);
  const { send } = sender;

  /** The envelope's `data`, read by `shape`. */
  const call = async <T>(request: Request & { shape: z.ZodType<T> }): Promise<Parsed<T>> => {
    const answer = await send(request);
    const envelope = readEnvelope(answer, of.server);
    if (!envelope.success) throw refusal(answer, envelope.error);
    const parsed = request.shape.safeParse(envelope.data);
    if (parsed.success) return { status: answer.status, headers: answer.headers, data: parsed.data };
    throw new CliError(EXIT.failed, {
      code: "answer_unknown",
      message: `${of.server} answers ${request.path} in a shape that this leger does not know: ${z.prettifyError(parsed.error)}`,
      action: "Update leger, or check LEGER_API_URL.",
    });
  };

  /** Bytes that are no envelope: a file, JSON lines. */
  const download = async (request: Request): Promise<Answer> => {
    const answer = await send(request);
    if (answer.status < 400) return answer;
    const envelope = readEnvelope(answer, of.server);
    throw envelope.success ? notLeger(of.server) : refusal(answer, envelope.error);
  };

  return { server: of.server, send, call, download, nonce: sender.nonce };
}

/** The bytes of an answer whatever its status, after what retries are allowed. One key for all tries of a write. */
function makeSender(of: Connection) {
  let nonce: string | null = null;
  const send = async (request: Request): Promise<Answer> => {
    const { method = "GET", path } = request;
    const key = method === "GET" ? null : (request.idempotencyKey ?? randomUUID());
    const isRepeatable = method === "GET" || (request.isRepeatable ?? method !== "DELETE");
    for (let attempt = 1; ; attempt++) {
      const { answer, cause } = await tryOnce(of, request, { key, nonce }).then(
        (value) => ({ answer: value, cause: null }),
        (error: unknown) => ({ answer: null, cause: error }),
      );
      if (cause instanceof CliError) throw cause;
      nonce = answer?.headers.get("dpop-nonce") ?? nonce;
      // The first proof has no nonce yet, or one that grew old: the refusal brings the next, and did nothing.
      if (answer?.status === 401 && attempt === 1 && of.key && answer.headers.has("dpop-nonce")) continue;
      const status = answer?.status ?? null;
      const retryAfterSeconds = answer ? retryAfter(answer.headers) : null;
      const isUnsent = answer === null && NEVER_SENT.has(reasonOf(cause));
      const delay = retryDelayMs({ attempt, status, retryAfterSeconds, isRepeatable, isUnsent }, Math.random());
      if (delay === null) {
        if (answer) return answer;
        throw unreachable(of.server, cause);
      }
      of.say(`${method} ${path}: ${status ?? reasonOf(cause)}; again in ${(delay / 1000).toFixed(1)} s`);
      await sleep(delay);
    }
  };
  return { send, nonce: () => nonce };
}

async function tryOnce(
  of: Connection,
  request: Request,
  { key, nonce }: { key: string | null; nonce: string | null },
): Promise<Answer> {
  const { method = "GET", path, query = {}, body } = request;
  const url = new URL(of.server + path);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
  // a form says its type with its boundary, bytes in the command's headers
  const isRaw = body instanceof FormData || body instanceof Uint8Array;
  const response = await fetch(url, {
    method,
    redirect: "error", // a redirect would carry the token to a place that nobody named
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: {
      "user-agent": `leger/${CLI_VERSION}`,
      "x-leger-cli-version": CLI_VERSION,
      ...(of.token !== null && { authorization: `${of.key ? "DPoP" : "Bearer"} ${of.token}` }),
      ...(of.key && { dpop: makeProof(of.key, { method, url: url.origin + url.pathname, nonce, token: of.token }) }),
      ...(body !== undefined && !isRaw && { "content-type": "application/json" }),
      ...(key !== null && { "idempotency-key": key }),
      ...request.headers,
    },
    ...(body !== undefined && { body: isRaw ? (body as BodyInit) : JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, bytes: await readBounded(response, request.bytesMax) };
}

function readEnvelope({ bytes, status }: Answer, server: string): z.infer<typeof Envelope> {
  try {
    return Envelope.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    if (status >= 500)
      throw new CliError(EXIT.unreachable, {
        code: "server_fault",
        message: `${server} answers ${status}.`,
        action: "Try again in a minute.",
      });
    throw notLeger(server);
  }
}

const notLeger = (server: string) =>
  new CliError(EXIT.failed, {
    code: "not_leger",
    message: `What ${server} answers is not Leger's API.`,
    action: "Check LEGER_API_URL, or --server.",
  });

type ApiErrorBody = { code: string; message: string; action: string; details?: Record<string, unknown>[] | undefined };

/** An answer that is a refusal, as an error; used where a caller reads the status first. */
export function refusalOf(answer: Answer, server: string): CliError {
  const envelope = readEnvelope(answer, server);
  return envelope.success ? notLeger(server) : refusal(answer, envelope.error);
}

export class ApiRefusal extends CliError {
  override readonly name = "ApiRefusal";
  readonly status: number;
  readonly retryAfterSeconds: number | null;
  constructor(answer: Answer, of: ApiErrorBody) {
    const wait = retryAfter(answer.headers);
    const action = wait !== null && answer.status >= 429 ? `${of.action} (in ${wait} s)` : of.action;
    super(exitOf(answer.status), { ...of, action, details: of.details ?? [] });
    this.status = answer.status;
    this.retryAfterSeconds = wait;
  }
}
const refusal = (answer: Answer, of: ApiErrorBody) => new ApiRefusal(answer, of);

const exitOf = (status: number) =>
  status === 401 ? EXIT.signed_out : status === 429 || status >= 500 ? EXIT.unreachable : EXIT.failed;

/** Seconds of a Retry-After; its other form, a date, is not what this API sends. */
export function retryAfter(headers: Headers): number | null {
  const text = headers.get("retry-after");
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : null;
}

/** With these no connection was made, so nothing was done. */
const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

function reasonOf(cause: unknown): string {
  const inner = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
  if (inner instanceof Error && "code" in inner && typeof inner.code === "string") return inner.code;
  return inner instanceof Error ? (inner.name === "TimeoutError" ? "no answer in time" : inner.message) : String(inner);
}

const unreachable = (server: string, cause: unknown) =>
  new CliError(EXIT.unreachable, {
    code: "server_unreachable",
    message: `${server} cannot be reached (${reasonOf(cause)}).`,
    action: "Check the network and LEGER_API_URL, and run the same command again: what was done is not done twice.",
    cause,
  });

/** An answer may be large, but not without end. */
async function readBounded(response: Response, max = ANSWER_BYTES_MAX): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    const bytes = chunk as Uint8Array;
    size += bytes.byteLength;
    if (size > max)
      throw new CliError(EXIT.corrupt, {
        code: "answer_too_large",
        message: `The answer has more than ${max} bytes, which is more than was announced.`,
        action: "Nothing was changed. Tell whoever runs the server.",
      });
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, size);
}
