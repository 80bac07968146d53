/**
 * Walks over the start of a model file without holding it in memory.
 *
 * @module
 */
import { cannotLoad } from "./gguf_error.ts";
import type { FixedType } from "./gguf_values.ts";

/** Bytes held at a time. */
const WINDOW = 1 << 16;
/** No header is longer; what claims to be is damaged. */
const HEADER_LIMIT = 64 * 2 ** 20;

/** Reads little-endian values one after the other. Every length is checked against the file before it is believed. */
export class FileCursor {
  readonly path: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly #file: Deno.FsFile;
  readonly #window = new DataView(new ArrayBuffer(WINDOW));
  /** Offset in the file at which the window starts, and how many of its bytes are valid. */
  #start = 0;
  #valid = 0;
  #position = 0;

  constructor(path: string, file: Deno.FsFile, size: number) {
    this.path = path;
    this.size = size;
    this.#file = file;
  }

  /** Offset of the next value. */
  get position(): number {
    return this.#position;
  }

  u32(what: string): number {
    return this.#window.getUint32(this.#take(4, what), true);
  }

  /** A count or length. Beyond 2^53 it loses digits, but not that it is too large. */
  u64(what: string): number {
    return Number(this.#window.getBigUint64(this.#take(8, what), true));
  }

  /** A value of this type. */
  value(
    { bytes, read }: FixedType,
    what: string,
  ): ReturnType<FixedType["read"]> {
    return read(this.#window, this.#take(bytes, what));
  }

  /** `length` bytes of text; at most 64 KiB. */
  text(length: number, what: string): string {
    const at = this.#take(length, what);
    return new TextDecoder().decode(
      new Uint8Array(this.#window.buffer, at, length),
    );
  }

  /**
   * Passes over `length` bytes.
   *
   * @throws {ModelError} If the file ends before them.
   */
  skip(length: number, what: string): void {
    const end = this.#position + length;
    if (end > this.size) throw this.#truncated(end, what);
    if (end > HEADER_LIMIT) {
      throw cannotLoad(this.path, `${what} ends past any header, at ${end}`);
    }
    this.#position = end;
  }

  /** Passes over `length` bytes and gives where in the window they are. */
  #take(length: number, what: string): number {
    const at = this.#position;
    this.skip(length, what);
    if (at < this.#start || at + length > this.#start + this.#valid) {
      this.#start = at;
      this.#valid = Math.min(WINDOW, this.size - at);
      this.#read(at, new Uint8Array(this.#window.buffer, 0, this.#valid));
    }
    return at - this.#start;
  }

  #read(offset: number, into: Uint8Array): void {
    this.#file.seekSync(offset, Deno.SeekMode.Start);
    for (let done = 0; done < into.length;) {
      const count = this.#file.readSync(into.subarray(done));
      if (count === null) throw this.#truncated(offset + into.length, "it");
      done += count;
    }
  }

  #truncated(end: number, what: string) {
    return cannotLoad(
      this.path,
      `the file ends within ${what}; at least ${end - this.size} bytes are ` +
        "missing",
    );
  }
}
