/** Tries to make code from strings in both ways and says what each did: "ran", or the name of the error. */
export default {
  async fetch(): Promise<Response> {
    return Response.json({
      function: outcomeOf(() => Reflect.construct(Function, ["return 1"])),
      eval: outcomeOf(() => (Reflect.get(globalThis, "eval") as (code: string) => unknown)("1")),
    });
  },
};

function outcomeOf(attempt: () => unknown): string {
  try {
    attempt();
    return "ran";
  } catch (error) {
    return error instanceof Error ? error.name : "threw";
  }
}
