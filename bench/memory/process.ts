/**
 * Runs processes as `deno task serve` would.
 *
 * @module
 */
import {
  SERVE_ARGS,
  SERVE_ENV,
  SERVE_MEMORY_FLAGS,
} from "../../tools/serve_command.ts";
import type { Part } from "./parts.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

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
    args: [
      "run",
      "-A",
      ...SERVE_MEMORY_FLAGS,
      script,
      `${slots}`,
      store,
      `${tokens}`,
    ],
    env: SERVE_ENV,
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("Cannot measure: the process failed");
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

/** Bytes of a process in memory. */
export interface Memory {
  /** Now, and the most that they ever were. */
  readonly resident: number;
  readonly peak: number;
  /** Of those now: pages of files, above all of Deno itself, which processes share. */
  readonly files: number;
}

/** The server, in a process of its own, on a port of its own; disposing kills it. */
export class Server implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #address: string;

  private constructor(child: Deno.ChildProcess, address: string) {
    this.#child = child;
    this.#address = address;
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @throws {Error} If it does not start.
   */
  static async start(args: readonly string[] = []): Promise<Server> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [...SERVE_ARGS, "--port", "0", ...args],
      cwd: ROOT,
      env: SERVE_ENV,
      stdout: "piped",
      stderr: "null",
    }).spawn();
    return new Server(child, await addressOf(child.stdout));
  }

  /**
   * What it answers to a conversation.
   *
   * @throws {Error} If it does not.
   */
  async ask(
    messages: readonly Message[],
    maxTokens: number,
  ): Promise<{ readonly message: Message; readonly tokens: number }> {
    const response = await fetch(`${this.#address}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ messages, max_tokens: maxTokens }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`Cannot measure: answered ${text}`);
    const { choices, usage } = JSON.parse(text);
    return { message: choices[0].message, tokens: usage.total_tokens };
  }

  /**
   * What it takes.
   *
   * @throws {Error} If the system does not tell.
   */
  async memory(): Promise<Memory> {
    // Deno itself may read of no other process, unless everything is allowed.
    const path = `/proc/${this.#child.pid}/status`;
    const cat = await new Deno.Command("cat", { args: [path] }).output();
    if (!cat.success) throw new Error(`Cannot measure: no ${path}`);
    const text = new TextDecoder().decode(cat.stdout);
    const bytes = (key: string) =>
      Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) * 1024;
    return {
      resident: bytes("VmRSS"),
      peak: bytes("VmHWM"),
      files: bytes("RssFile"),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}

/** A message of a conversation. */
export interface Message {
  readonly role: string;
  readonly content: string;
}

/** Milliseconds from the start of a server to the first token of its first answer. */
export async function serveOnce(): Promise<number> {
  const start = performance.now();
  await using server = await Server.start();
  await server.ask([{ role: "user", content: "Name a colour." }], 1);
  return performance.now() - start;
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
