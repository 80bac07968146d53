/**
 * Server-sent events, written as fast as the client takes them.
 *
 * @module
 */
import type { ApiError } from "../openai/api_error.ts";
import { clientGone, type RequestScope } from "./lifecycle.ts";

/** Bytes that may wait for a client before the work pauses. */
const BUFFER = 64 * 1024;

/** What goes with an event stream besides its events. */
export interface EventStreamOptions {
  readonly scope: RequestScope;
  /** Seconds that a client may take nothing once the buffer is full. */
  readonly patience: number;
  toApiError(error: unknown): ApiError;
}

/**
 * Sends `values` as `data:` frames and `[DONE]` behind them. What goes wrong
 * on the way is a last frame with the error instead: official clients know no
 * other. A client that leaves or stalls aborts the scope; `values` is always
 * returned and the scope ended.
 */
export function eventStream(
  values: AsyncGenerator<unknown, void, void>,
  options: EventStreamOptions,
): Response {
  const source = new EventSource(values, options);
  const strategy = new ByteLengthQueuingStrategy({ highWaterMark: BUFFER });
  return new Response(new ReadableStream(source, strategy), {
    headers: {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-cache",
      "X-Accel-Buffering": "no",
    },
  });
}

class EventSource implements UnderlyingDefaultSource<Uint8Array> {
  readonly #values: AsyncGenerator<unknown, void, void>;
  readonly #options: EventStreamOptions;
  readonly #encoder = new TextEncoder();
  #stalled: ReturnType<typeof setTimeout> | undefined;
  #cancelled = false;

  constructor(
    values: AsyncGenerator<unknown, void, void>,
    options: EventStreamOptions,
  ) {
    this.#values = values;
    this.#options = options;
  }

  /** Begins at once: a generator that has not begun would not run its end. */
  start(
    controller: ReadableStreamDefaultController<Uint8Array>,
  ): Promise<void> {
    const first = this.pull(controller);
    // A paused generator does not see the signal: only this lets go of it.
    const { signal } = this.#options.scope;
    if (signal.aborted) this.#finish();
    else signal.addEventListener("abort", () => this.#finish(), { once: true });
    return first;
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>) {
    clearTimeout(this.#stalled);
    const { scope } = this.#options;
    try {
      const { done, value } = await this.#values.next();
      if (done) scope.signal.throwIfAborted();
      this.#send(controller, done ? "[DONE]" : JSON.stringify(value));
      if (done) this.#close(controller);
      else this.#watch(controller);
    } catch (error) {
      if (this.#cancelled) return;
      const body = this.#options.toApiError(error).body();
      this.#send(controller, JSON.stringify(body));
      this.#close(controller);
    }
  }

  cancel(): void {
    this.#cancelled = true;
    this.#options.scope.abort(clientGone());
  }

  #send(
    controller: ReadableStreamDefaultController<Uint8Array>,
    data: string,
  ): void {
    if (this.#cancelled) return;
    controller.enqueue(this.#encoder.encode(`data: ${data}\n\n`));
  }

  #close(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (!this.#cancelled) controller.close();
    this.#options.scope.end();
  }

  /** Gives up on a client that does not make room in the buffer. */
  #watch(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const { scope, patience } = this.#options;
    if ((controller.desiredSize ?? 0) > 0 || scope.signal.aborted) return;
    this.#stalled = setTimeout(
      () => scope.abort(clientGone()),
      patience * 1000,
    );
  }

  async #finish(): Promise<void> {
    clearTimeout(this.#stalled);
    try {
      await this.#values.return();
    } catch {
      // Whoever waits for the next value is told; nobody else needs to know.
    } finally {
      this.#options.scope.end();
    }
  }
}
