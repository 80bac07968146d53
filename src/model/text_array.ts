/**
 * An array of texts in a model file.
 *
 * @module
 */

/**
 * Texts side by side in UTF-8, as the file has them. They become strings one by one, where somebody wants one: those of a
 * vocabulary, all at once, take ten times the room and a large part of the time of a start.
 */
export class TextArray {
  /** The texts, and lengths between them. */
  readonly bytes: Uint8Array;
  /** [length] Where in `bytes` each text starts and ends. */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  readonly #refuse: (index: number) => Error;

  /**
   * @param bytes Each text behind its length in 8 bytes, which are right.
   * @param refuse Makes the error about a text that is not UTF-8.
   */
  constructor(
    bytes: Uint8Array<ArrayBuffer>,
    length: number,
    refuse: (index: number) => Error,
  ) {
    this.bytes = bytes;
    this.starts = new Uint32Array(length);
    this.ends = new Uint32Array(length);
    this.#refuse = refuse;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let i = 0, at = 0; i < length; i++) {
      this.starts[i] = at + 8;
      // No header is so long that the upper half would count.
      this.ends[i] = at = at + 8 + view.getUint32(at, true);
    }
  }

  get length(): number {
    return this.starts.length;
  }

  /** @throws {ModelError} If the text is not UTF-8. */
  at(index: number): string {
    const text = this.bytes.subarray(this.starts[index], this.ends[index]);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
        .decode(text);
    } catch {
      throw this.#refuse(index);
    }
  }
}
