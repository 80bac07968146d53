/**
 * How long requests live: until they are answered, the client leaves, their
 * time is over, or the server stops.
 *
 * @module
 */
import { ApiError, unavailable } from "../openai/api_error.ts";

/** Seconds after which a client may look for a server that stops now. */
const RESTART_SECONDS = 10;

/** One request from its first byte to its last. */
export class RequestScope {
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #onEnd: (scope: RequestScope) => void;

  constructor(seconds: number, onEnd: (scope: RequestScope) => void) {
    this.#onEnd = onEnd;
    this.#timer = setTimeout(
      () => this.abort(outOfTime(seconds)),
      seconds * 1000,
    );
  }

  /** Aborts with an {@link ApiError} when nobody is to work on it any more. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: ApiError): void {
    this.#controller.abort(reason);
  }

  /** The request is over; calling it again does nothing. */
  end(): void {
    clearTimeout(this.#timer);
    this.#onEnd(this);
  }
}

/** All requests of a server that are under way. */
export class Lifecycle {
  readonly #open = new Set<RequestScope>();
  readonly #idle = Promise.withResolvers<void>();
  #draining = false;

  /** Opens the scope of a request, which may take so many seconds. */
  begin(seconds: number): RequestScope {
    const scope = new RequestScope(seconds, (ended) => {
      this.#open.delete(ended);
      this.#settle();
    });
    this.#open.add(scope);
    return scope;
  }

  /** @throws {ApiError} With status 503 once the server takes nothing new. */
  admit(): void {
    if (this.#draining) throw stopping();
  }

  /** Takes nothing new; resolves when nothing is under way any more. */
  drain(): Promise<void> {
    this.#draining = true;
    this.#settle();
    return this.#idle.promise;
  }

  /** Takes nothing new and aborts all that is under way. */
  stop(): void {
    this.#draining = true;
    for (const scope of this.#open) scope.abort(stopping());
  }

  #settle(): void {
    if (this.#draining && this.#open.size === 0) this.#idle.resolve();
  }
}

/** Why a request ends whose client has left; nobody reads it. */
export function clientGone(): ApiError {
  return new ApiError(499, "Cannot answer: the client has left");
}

function outOfTime(seconds: number): ApiError {
  const message = `Cannot finish the answer: it took more than ${seconds} s`;
  return new ApiError(504, message, { code: "timeout" });
}

function stopping(): ApiError {
  const message = "Cannot answer: the server is shutting down";
  return unavailable("shutting_down", message, RESTART_SECONDS);
}
