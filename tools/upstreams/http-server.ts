import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Fault, Faults } from "./faults.ts";
import { header, jsonAnswer, textAnswer, type Answer, type Incoming, type Surface } from "./http-kernel.ts";
import type { LogEntry, RequestLog } from "./request-log.ts";

type Wiring = {
  readonly surfaces: readonly Surface[];
  readonly faults: Faults;
  readonly log: RequestLog;
  readonly now: () => Date;
  readonly index: () => Answer;
};

/** Bodies come from the control surface only (a replaced pack in base64 is the largest). */
const BODY_BYTES_MAX = 32 * 1024 * 1024;

/** Listens on the loopback interface only. `port` 0 takes a free one. */
export async function listen(wiring: Wiring, port: number): Promise<{ port: number; close(): Promise<void> }> {
  const closing = new AbortController();
  const server = createServer((message, response) => {
    exchange({ wiring, message, response, signal: closing.signal }).catch((error: unknown) => fail(response, error));
  });
  // Longer than a client keeps an idle connection, so that it never writes into one that is being closed.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return { port: portOf(server), close: () => closeServer(server, closing) };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return address.port;
}

/** Ends waiting and hanging requests too: nothing keeps the process alive afterwards. */
function closeServer(server: Server, closing: AbortController): Promise<void> {
  closing.abort();
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}

type Exchange = {
  readonly wiring: Wiring;
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
};

async function exchange(given: Exchange): Promise<void> {
  const { wiring, message, response } = given;
  const url = new URL(message.url ?? "/", `http://${message.headers.host ?? "127.0.0.1"}`);
  const surface = wiring.surfaces.find(
    ({ prefix }) => url.pathname === prefix || url.pathname.startsWith(`${prefix}/`),
  );
  const body = await readBody(message);
  if (body === undefined) return send(message, response, { answer: textAnswer(413, "The body is too large.") });
  if (!surface) return send(message, response, { answer: wiring.index() });
  const request: Incoming = {
    method: message.method ?? "GET",
    url,
    path: url.pathname.slice(surface.prefix.length),
    headers: message.headers,
    body,
  };
  if (surface.name === "control") return send(message, response, { answer: await surface.answer(request) });
  await answerWithFaults(given, surface, request);
}

async function answerWithFaults(given: Exchange, surface: Surface, request: Incoming): Promise<void> {
  const { wiring, message, response, signal } = given;
  const path = request.path + request.url.search;
  const fault = wiring.faults.take({ surface: surface.name, method: request.method, path });
  const entry = (status: number | null): Omit<LogEntry, "sequence"> => ({
    at: wiring.now().toISOString(),
    surface: surface.name,
    method: request.method,
    path,
    status,
    authenticated: request.headers.authorization !== undefined,
    conditional: request.headers["if-none-match"] !== undefined || request.headers["if-modified-since"] !== undefined,
    fault: fault?.id ?? null,
  });
  if (fault && fault.delayMs > 0) {
    const ended = await sleep(fault.delayMs, "slept", { signal }).catch(() => "closed");
    if (ended === "closed") return;
  }
  if (fault?.reset || fault?.hang) {
    wiring.log.add(entry(null));
    if (fault.reset) message.socket.resetAndDestroy();
    return;
  }
  const answer = fault?.status === undefined ? await surface.answer(request) : faultAnswer(fault, fault.status);
  wiring.log.add(entry(answer.status));
  send(message, response, {
    answer: { ...answer, headers: { ...answer.headers, ...fault?.headers } },
    ...(fault?.cutBody && { cutBody: fault.cutBody }),
  });
}

function faultAnswer(fault: Fault, status: number): Answer {
  if (typeof fault.body === "string") return textAnswer(status, fault.body);
  return jsonAnswer(status, fault.body ?? { message: `injected fault ${fault.id}` });
}

function send(
  message: IncomingMessage,
  response: ServerResponse,
  sent: { answer: Answer; cutBody?: NonNullable<Fault["cutBody"]> },
): void {
  const { answer, cutBody } = sent;
  const bytes = cutBody ? answer.body.subarray(0, cutBody.bytes) : answer.body;
  const bodiless = message.method === "HEAD" || answer.status === 304 || answer.status === 204;
  const length = cutBody && cutBody.declare !== "cut" ? answer.body.length : bytes.length;
  response.writeHead(answer.status, { ...answer.headers, ...(!bodiless && { "content-length": length }) });
  if (bodiless) return void response.end();
  if (bytes.length === length) return void response.end(bytes);
  // The bytes must have left before the connection goes, or the client would see a reset instead of half a body.
  response.flushHeaders();
  response.write(bytes, () => {
    if (cutBody?.declare !== "stall") message.socket.destroySoon();
  });
}

async function readBody(message: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    // Reading goes on: answering while the client still writes would reset its connection.
    if (size <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  return size > BODY_BYTES_MAX ? undefined : Buffer.concat(chunks);
}

/** A fault of this server itself: said aloud, never dressed up as one of the upstreams'. */
function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  response.writeHead(500, { "content-type": "text/plain; charset=utf-8" });
  response.end(`local upstreams: ${text}\n`);
}

/** The host that a client named; control refuses any but the loopback's, against rebinding from a browser. */
export function isLoopbackHost(headers: Incoming["headers"]): boolean {
  const host = header(headers, "host") ?? "";
  return /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host);
}
