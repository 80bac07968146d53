/**
 * What a process writes.
 *
 * @module
 */

/** The text of a stream, as it comes. */
export class TextOutput {
  readonly done: Promise<void>;
  text = "";
  #arrived = Promise.withResolvers<void>();
  #ended = false;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.done = this.#read(stream);
  }

  /** The first line that matches; null if the stream ends without one. */
  async find(pattern: RegExp): Promise<RegExpMatchArray | null> {
    for (;;) {
      const whole = this.text.split("\n").slice(0, -1);
      for (const line of whole) {
        const match = line.match(pattern);
        if (match) return match;
      }
      if (this.#ended) return null;
      await this.#arrived.promise;
    }
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      this.text += decoder.decode(bytes, { stream: true });
      this.#wake();
    }
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }
}
