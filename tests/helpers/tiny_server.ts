/**
 * The real server over a tiny model.
 *
 * @module
 */
import { ONLY_LETTERS } from "./generation.ts";
import { readFrames } from "./http.ts";
import { ServerProcess } from "./server_process.ts";
import { writeTinyGguf } from "./tiny_gguf.ts";

/** As `logit_bias`: a text of letters, which no stop token ends. */
export const LETTERS_BIAS = Object.fromEntries(ONLY_LETTERS);

/** Starts a server whose model says random letters, on the CPU unless `args` say otherwise. */
export async function startTinyServer(
  args: readonly string[] = [],
): Promise<ServerProcess> {
  const { path, folder } = await writeTinyGguf();
  try {
    const runtime = args.includes("--runtime") ? [] : ["--runtime", "simd"];
    return await ServerProcess.start(["--model", path, ...runtime, ...args]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Starts a stream of so many letters and waits for its first bytes; `rest` gives all frames once it has ended. */
export async function startStream(server: ServerProcess, max_tokens: number) {
  const leaving = new AbortController();
  const response = await fetch(`${server.url}/v1/completions`, {
    method: "POST",
    body: JSON.stringify({
      prompt: "once",
      stream: true,
      max_tokens,
      logit_bias: LETTERS_BIAS,
    }),
    signal: leaving.signal,
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  let text = (await reader.read()).value ?? "";
  const rest = async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return readFrames(text);
      text += value;
    }
  };
  return { rest, leave: () => leaving.abort() };
}
