import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { BindingCall, STATUS_OF_FAILURE } from "./binding-call.ts";

/** `hold` leaves the call waiting for ever: whoever answers so ends the runtime. */
export type CallDecision = "go" | "fail" | "hold";
export type DecideCall = (call: BindingCall) => CallDecision;

export type CallGate = {
  readonly url: string;
  /** What decides from now on. Without one, every call goes. */
  decide(by: DecideCall | null): void;
  close(): Promise<void>;
};

/** The server that the held bindings ask before and after each call. On loopback; the worker trusts whatever it says. */
export async function openCallGate(): Promise<CallGate> {
  let decideCall: DecideCall | null = null;
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? "/", "http://gate").searchParams;
    const decision = decideCall?.(BindingCall.parse(Object.fromEntries(query))) ?? "go";
    if (decision === "hold") return;
    response.writeHead(decision === "go" ? 204 : STATUS_OF_FAILURE).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    decide: (by) => {
      decideCall = by;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
