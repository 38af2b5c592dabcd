import { setTimeout as sleep } from "node:timers/promises";

/** The Worker's own memory over a while: least and most in use, and the most that V8 held for its heap; in megabytes. */
export type HeapUse = { low_mb: number; high_mb: number; held_mb: number };

const SAMPLE_MS = 250;
const MEGABYTE = 1_000_000;
const NOTHING: HeapUse = { low_mb: Infinity, high_mb: 0, held_mb: 0 };

/**
 * Asks the Worker's isolate four times a second, through the inspector of `wrangler dev`, how much memory it uses: JavaScript's heap, what
 * workerd keeps for the objects in it, and buffers. The local stand-ins for D1, R2 and queues are other isolates of the same process,
 * and are not counted. `inspectorUrl` is asked each time, so that the watch goes on when a runtime is killed and another takes its place.
 */
export function watchHeap(inspectorUrl: () => string) {
  let seen = NOTHING;
  let stopped = false;
  const note = ({ usedSize, totalSize, embedderHeapUsedSize, backingStorageSize }: HeapUsage) => {
    const used = (usedSize + embedderHeapUsedSize + backingStorageSize) / MEGABYTE;
    seen = {
      low_mb: Math.min(seen.low_mb, used),
      high_mb: Math.max(seen.high_mb, used),
      held_mb: Math.max(seen.held_mb, totalSize / MEGABYTE),
    };
  };
  const watch = async () => {
    for (let id = 1; !stopped; await sleep(SAMPLE_MS)) {
      const url = inspectorUrl();
      const socket = await connect(url);
      socket?.addEventListener("message", ({ data }) => {
        const usage = usageIn(String(data));
        if (usage) note(usage);
      });
      while (!stopped && socket?.readyState === WebSocket.OPEN && inspectorUrl() === url) {
        socket.send(JSON.stringify({ id: id++, method: "Runtime.getHeapUsage" }));
        await sleep(SAMPLE_MS);
      }
      socket?.close();
    }
  };
  const watching = watch();
  return {
    /** What was seen since it was last taken; undefined where no answer came. */
    take: (): HeapUse | undefined => {
      const taken = seen;
      seen = NOTHING;
      return taken.high_mb === 0 ? undefined : taken;
    },
    stop: async () => {
      stopped = true;
      await watching;
    },
  };
}

type HeapUsage = { usedSize: number; totalSize: number; embedderHeapUsedSize: number; backingStorageSize: number };

function usageIn(message: string): HeapUsage | undefined {
  const { result } = JSON.parse(message) as { result?: Partial<HeapUsage> };
  return result?.usedSize === undefined || result.totalSize === undefined ? undefined : (result as HeapUsage);
}

/** Node's takes headers, which the web's types do not know; wrangler refuses a socket whose origin is not the loopback's. */
const NodeWebSocket = WebSocket as unknown as new (url: string, init: { headers: Record<string, string> }) => WebSocket;

/** Undefined where nobody answers: the runtime has just been killed, and the next one may be at another port. */
async function connect(inspectorUrl: string): Promise<WebSocket | undefined> {
  try {
    const targets = (await (await fetch(`${inspectorUrl}/json`)).json()) as { webSocketDebuggerUrl: string }[];
    const target = targets[0]?.webSocketDebuggerUrl;
    if (target === undefined) return undefined;
    const socket = new NodeWebSocket(target, { headers: { origin: "http://localhost", "user-agent": "leger" } });
    return await new Promise((resolve) => {
      socket.addEventListener("open", () => resolve(socket));
      socket.addEventListener("error", () => resolve(undefined));
      socket.addEventListener("close", () => resolve(undefined));
    });
  } catch {
    return undefined;
  }
}
