/**
 * llama.cpp in a process of its own; `peer.py` is the other end.
 *
 * @module
 */

const SCRIPT = new URL("./peer.py", import.meta.url).pathname;

/** What passes on the wall, or what the process has computed. */
export type Clock = "wall" | "cpu";

/** A model in llama.cpp. */
export class LlamaCpp {
  /** Of llama-cpp-python. */
  readonly version: string;
  readonly #process: Deno.ChildProcess;
  readonly #commands: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: AsyncIterator<string>;

  private constructor(
    process: Deno.ChildProcess,
    answers: AsyncIterator<string>,
    version: string,
  ) {
    this.version = version;
    this.#process = process;
    this.#commands = process.stdin.getWriter();
    this.#answers = answers;
  }

  /**
   * Starts it with one thread.
   *
   * @param python A command that runs Python.
   * @returns Null if there is no such Python, or it has not the peer.
   */
  static async start(
    python: string,
    model: string,
    context: number,
    clock: Clock,
  ): Promise<LlamaCpp | null> {
    try {
      const process = new Deno.Command(python, {
        args: [SCRIPT, model, "1", String(context), clock],
        stdin: "piped",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const answers = lines(process.stdout);
      const first = await answers.next();
      if (!first.done) {
        return new LlamaCpp(process, answers, JSON.parse(first.value).version);
      }
      await process.stdin.close();
      await process.status;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return null;
  }

  async reset(): Promise<void> {
    await this.#ask({ op: "reset" });
  }

  /** Reads `tokens` tokens; gives milliseconds. */
  prefill(tokens: number): Promise<number> {
    return this.#ask({ op: "prefill", tokens });
  }

  /** Reads `count` tokens one by one; gives milliseconds. */
  decode(count: number): Promise<number> {
    return this.#ask({ op: "decode", count });
  }

  async close(): Promise<void> {
    await this.#commands.close();
    await this.#answers.return?.();
    await this.#process.status;
  }

  async #ask(command: object): Promise<number> {
    const line = `${JSON.stringify(command)}\n`;
    await this.#commands.write(new TextEncoder().encode(line));
    const answer = await this.#answers.next();
    if (answer.done) throw new Error("Cannot measure: llama.cpp has ended");
    return JSON.parse(answer.value).ms;
  }
}

/** Whole lines as they come. */
async function* lines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string, void, void> {
  let rest = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + part).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}
