/**
 * Runs scripts in processes of their own, as `deno task serve` would.
 *
 * @module
 */
import type { Part } from "./parts.ts";

/** What V8 is told by `deno task serve`. */
export const V8_FLAGS = "--v8-flags=--max-semi-space-size=1";

/**
 * What a process takes on its way to `tokens` tokens of a dialogue.
 *
 * @throws {Error} If it fails.
 */
export async function measureParts(
  slots: number,
  store: string,
  tokens: number,
): Promise<Part[]> {
  const script = new URL("./parts.ts", import.meta.url).pathname;
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", V8_FLAGS, script, `${slots}`, store, `${tokens}`],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("Cannot measure: the process failed");
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

/**
 * Milliseconds from the start of a server to the first token of its first answer.
 *
 * @throws {Error} If it does not start or answer.
 */
export async function serveOnce(): Promise<number> {
  const start = performance.now();
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const server = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", V8_FLAGS, main, "--port", "0"],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    await firstToken(await addressOf(server.stdout));
    return performance.now() - start;
  } finally {
    server.kill("SIGKILL");
    await server.status;
  }
}

/** Where a server says that it is ready. */
async function addressOf(
  stdout: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<string> {
  let text = "";
  for await (const part of stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    const address = /Ready at (\S+)/.exec(text)?.[1];
    if (address) return address;
  }
  throw new Error("Cannot measure: the server did not start");
}

async function firstToken(address: string): Promise<void> {
  const response = await fetch(`${address}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({
      messages: [{ role: "user", content: "Name a colour." }],
      max_tokens: 1,
    }),
  });
  await response.text();
  if (!response.ok) {
    throw new Error(`Cannot measure: the server answered ${response.status}`);
  }
}
