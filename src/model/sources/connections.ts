/**
 * Connections that cannot hang.
 *
 * @module
 */

/** The connections of one download, which are closed together. */
export class Connections {
  readonly #answerLimit: number;
  readonly #signal: AbortSignal;
  readonly #ended = new AbortController();
  readonly #answers: Response[] = [];

  /** @param answerLimit Milliseconds within which each answer must begin. */
  constructor(answerLimit: number, signal: AbortSignal) {
    this.#answerLimit = answerLimit;
    this.#signal = signal;
  }

  /** Like the global one. */
  readonly fetch: typeof fetch = async (input, init) => {
    const late = new AbortController();
    const timer = setTimeout(
      () =>
        late.abort(new Error(`no answer within ${this.#answerLimit / 1000} s`)),
      this.#answerLimit,
    );
    const signal = AbortSignal.any([
      this.#signal,
      this.#ended.signal,
      late.signal,
    ]);
    try {
      const answer = await fetch(input, { ...init, signal });
      this.#answers.push(answer);
      return answer;
    } finally {
      clearTimeout(timer);
    }
  };

  /** Closes what is still open, such as an answer of which only the head was read. */
  async close(): Promise<void> {
    this.#ended.abort();
    for (const { body } of this.#answers) {
      // It fails with the reason of the abort, if that came first.
      if (body && !body.locked) await body.cancel().catch(() => {});
    }
  }
}

/** What a stream gives; fails once nothing has come for `limit` milliseconds. */
export async function* readChunks(
  stream: ReadableStream<Uint8Array>,
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const reader = stream.getReader();
  while (true) {
    const late = Promise.withResolvers<never>();
    const stop = () => late.reject(signal.reason);
    const timer = setTimeout(
      () => late.reject(new Error(`nothing came for ${limit / 1000} s`)),
      limit,
    );
    signal.addEventListener("abort", stop);
    try {
      const { done, value } = await Promise.race([reader.read(), late.promise]);
      if (done) return;
      yield value;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
  }
}
