/**
 * The real server as a process of its own, with the permissions of
 * `deno task serve`.
 *
 * @module
 */
import { SERVE_ARGS, SERVE_ENV } from "../../tools/serve_command.ts";
import { TextOutput } from "./text_output.ts";

/** What a process wrote and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the server's process to its end.
 *
 * @param lacking Starts of permission flags that it does not get.
 */
export async function runToEnd(
  args: readonly string[],
  lacking: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const { code, stdout, stderr } = await command(args, lacking, env).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** A server that listens on a port of its own; disposing kills it. */
export class ServerProcess {
  readonly #child: Deno.ChildProcess;
  readonly #stdout: TextOutput;
  readonly #stderr: TextOutput;
  #url = "";

  private constructor(args: readonly string[], preload: readonly string[]) {
    const all = ["--port", "0", ...args];
    this.#child = command(all, [], {}, preload).spawn();
    this.#stdout = new TextOutput(this.#child.stdout);
    this.#stderr = new TextOutput(this.#child.stderr);
  }

  /**
   * Starts a server and waits until it answers requests.
   *
   * @param preload Modules that run before it.
   * @throws {Error} If it ends instead; with what it wrote.
   */
  static async start(
    args: readonly string[],
    preload: readonly string[] = [],
  ): Promise<ServerProcess> {
    const server = new ServerProcess(args, preload);
    const ready = await server.#stdout.find(/^Ready at (\S+) /);
    if (ready === null) {
      await server[Symbol.asyncDispose]();
      throw new Error(`Cannot start the server: ${server.#stderr.text}`);
    }
    server.#url = ready[1];
    return server;
  }

  /** Where it listens, without a slash at the end. */
  get url(): string {
    return this.#url;
  }

  /** All that it wrote so far. */
  get stdout(): string {
    return this.#stdout.text;
  }

  get stderr(): string {
    return this.#stderr.text;
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** The exit code, once it has ended. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await Promise.all([this.#stdout.done, this.#stderr.done]);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.ended();
  }
}

function command(
  args: readonly string[],
  lacking: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  preload: readonly string[] = [],
): Deno.Command {
  const [run, ...own] = SERVE_ARGS.filter((word) =>
    !lacking.some((start) => word.startsWith(start))
  );
  const before = preload.map((module) => `--preload=${module}`);
  return new Deno.Command(Deno.execPath(), {
    args: [run, ...before, ...own, ...args],
    env: { ...SERVE_ENV, ...env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}
