import { z } from "zod";
import { jsonAnswer, textAnswer, type Answer, type Incoming, type Surface } from "./http-kernel.ts";
import { isLoopbackHost } from "./http-server.ts";

/**
 * `POST /__control/<call>` with the call's input as JSON; `GET` for calls without input, and `GET /__control` for their
 * names. Answers 200 with what the call returns (null for nothing), 400 with `{"message"}` for an input that it refuses.
 * A web page must not reach it through a name that it made point to the loopback: the Host is checked, and a request
 * that carries an Origin is refused.
 */
export function controlSurface(control: object): Surface {
  const calls = new Map<string, unknown>(Object.entries(control));
  return {
    name: "control",
    prefix: "/__control",
    async answer(request): Promise<Answer> {
      if (!isLoopbackHost(request.headers) || request.headers.origin !== undefined) {
        return textAnswer(403, "The control surface answers local programs only.\n");
      }
      if (request.path === "" || request.path === "/") return jsonAnswer(200, { calls: [...calls.keys()] });
      const name = request.path.slice(1);
      const run = calls.get(name);
      if (typeof run !== "function")
        return jsonAnswer(404, { message: `there is no call ${name}`, calls: [...calls.keys()] });
      return runCall(run as (input: unknown) => unknown, request);
    },
  };
}

async function runCall(run: (input: unknown) => unknown, request: Incoming): Promise<Answer> {
  try {
    const text = new TextDecoder().decode(request.body);
    const input: unknown = text === "" ? undefined : JSON.parse(text);
    return jsonAnswer(200, (await run(input)) ?? null);
  } catch (error) {
    if (error instanceof z.ZodError) return jsonAnswer(400, { message: z.prettifyError(error) });
    return jsonAnswer(400, { message: error instanceof Error ? error.message : String(error) });
  }
}
