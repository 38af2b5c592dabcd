/** The few calls that the tour makes, as any client would make them. */
export type ApiClient = ReturnType<typeof apiClient>;

export class ApiFailure extends Error {
  override readonly name = "ApiFailure";
}

export function apiClient(url: string, token: string | null = null) {
  const send = async (
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(options.body !== undefined && { "content-type": "application/json" }),
        ...options.headers,
      },
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  /** The envelope's `data`; a refusal becomes an error with its sentence and action. */
  const call = async <T>(method: string, path: string, options: Parameters<typeof send>[2] = {}): Promise<T> => {
    const { text, status } = await send(method, path, options);
    const envelope = JSON.parse(text) as {
      success: boolean;
      data: T;
      error?: { code: string; message: string; action: string };
    };
    if (!envelope.success)
      throw new ApiFailure(
        `${method} ${path}: ${status} ${envelope.error?.code}: ${envelope.error?.message} ${envelope.error?.action}`,
      );
    return envelope.data;
  };
  return { send, call, withToken: (next: string) => apiClient(url, next) };
}
