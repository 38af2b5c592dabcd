import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export type Tamper = (path: string, body: Uint8Array) => Uint8Array | null;
export type Proxy = { url: string; tamper: (with_: Tamper | null) => void; close: () => Promise<void> };

/** A hostile network in front of the server: forwards everything, and changes the bytes of answers where `tamper` says so. */
export async function startProxy(target: string): Promise<Proxy> {
  let tamper: Tamper | null = null;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => void forward(Buffer.concat(chunks)));
    const forward = async (body: Buffer) => {
      const method = request.method ?? "GET";
      const answer = await fetch(target + (request.url ?? "/"), {
        method,
        headers: Object.entries(request.headers).flatMap(([name, value]): [string, string][] =>
          /^(?:host|connection|content-length)$/.test(name) ? [] : [[name, String(value)]],
        ),
        ...(method !== "GET" && body.length > 0 && { body: new Uint8Array(body) }),
      });
      const original = new Uint8Array(await answer.arrayBuffer());
      const bytes = tamper?.(request.url ?? "/", original) ?? original;
      const kept = [...answer.headers].filter(
        ([name]) => !/^(?:content-length|content-encoding|transfer-encoding|connection)$/.test(name),
      );
      response.writeHead(answer.status, Object.fromEntries(kept));
      response.end(answer.status === 304 ? undefined : bytes);
    };
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    tamper: (next) => (tamper = next),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
