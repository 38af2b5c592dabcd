import { env } from "cloudflare:workers";

/** A call to the local upstreams' control surface. */
export async function control<T = unknown>(name: string, input: object = {}): Promise<T> {
  const response = await fetch(`${env.TEST_UPSTREAMS_URL}/__control/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json", "user-agent": "leger-tests" },
    body: JSON.stringify(input),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${name}: ${response.status} ${text}`);
  return (text === "" ? null : JSON.parse(text)) as T;
}
