/**
 * The linear memory that weights, caches and scratch space share with the kernels.
 *
 * @module
 */

const PAGE = 65536;
/** Every allocation starts at a multiple of this: a cache line, and more than any vector asks for. */
const ALIGNMENT = 64;
/** Bytes at the start of the memory that the compiled module keeps for itself. */
const RESERVED = 4096;
const MAX_PAGES = 65536;

/** A free stretch, in bytes. */
interface Gap {
  start: number;
  end: number;
}

/**
 * A WebAssembly memory with typed views that stay valid when it grows, and a first-fit allocator for the few, large
 * blocks that live in it. Pointers are byte offsets.
 */
export class LinearMemory {
  readonly memory: WebAssembly.Memory;
  readonly #blocks = new Map<number, number>();
  /** Ascending, never touching one another. */
  #gaps: Gap[] = [{ start: RESERVED, end: PAGE }];
  #views: Views;

  /** @param shared Whether threads can work on it. */
  constructor(readonly shared = false) {
    this.memory = new WebAssembly.Memory({
      initial: 1,
      maximum: MAX_PAGES,
      shared,
    });
    this.#views = new Views(this.memory);
  }

  /** Bytes that the memory holds, in use or not. */
  get byteLength(): number {
    return this.memory.buffer.byteLength;
  }
  get f32(): Float32Array<ArrayBuffer> {
    return this.#current().f32;
  }
  get u8(): Uint8Array<ArrayBuffer> {
    return this.#current().u8;
  }
  get i8(): Int8Array<ArrayBuffer> {
    return this.#current().i8;
  }
  get i16(): Int16Array<ArrayBuffer> {
    return this.#current().i16;
  }
  get u16(): Uint16Array<ArrayBuffer> {
    return this.#current().u16;
  }
  get i32(): Int32Array<ArrayBuffer> {
    return this.#current().i32;
  }
  get u32(): Uint32Array<ArrayBuffer> {
    return this.#current().u32;
  }

  /**
   * A block of at least `bytes` bytes; its content is undefined.
   *
   * @returns Its pointer, a multiple of 64.
   * @throws {RangeError} If the memory cannot grow so far.
   */
  allocate(bytes: number): number {
    const size = Math.max(Math.ceil(bytes / ALIGNMENT), 1) * ALIGNMENT;
    const gap = this.#gaps.find((gap) => gap.end - gap.start >= size) ??
      this.#grow(size);
    const pointer = gap.start;
    gap.start += size;
    if (gap.start === gap.end) this.#gaps.splice(this.#gaps.indexOf(gap), 1);
    this.#blocks.set(pointer, size);
    return pointer;
  }

  /**
   * Gives a block back.
   *
   * @throws {RangeError} If no block starts at `pointer`.
   */
  free(pointer: number): void {
    const size = this.#blocks.get(pointer);
    if (size === undefined) {
      throw new RangeError(`Cannot free ${pointer}: no block starts there`);
    }
    this.#blocks.delete(pointer);
    const gaps = [...this.#gaps, { start: pointer, end: pointer + size }]
      .sort((a, b) => a.start - b.start);
    this.#gaps = [];
    for (const gap of gaps) {
      const last = this.#gaps.at(-1);
      if (last?.end === gap.start) last.end = gap.end;
      else this.#gaps.push(gap);
    }
  }

  /** Makes room for `size` bytes at the end of the memory. */
  #grow(size: number): Gap {
    const end = this.byteLength;
    let gap = this.#gaps.at(-1);
    if (gap?.end !== end) this.#gaps.push(gap = { start: end, end });
    const pages = Math.ceil((size - (gap.end - gap.start)) / PAGE);
    try {
      this.memory.grow(pages);
    } catch {
      throw new RangeError(
        `Cannot allocate ${size} bytes: the memory holds ${end} already`,
      );
    }
    gap.end = this.byteLength;
    return gap;
  }

  #current(): Views {
    if (this.#views.buffer !== this.memory.buffer) {
      this.#views = new Views(this.memory);
    }
    return this.#views;
  }
}

/** The same bytes in every type that is needed. */
class Views {
  readonly f32: Float32Array<ArrayBuffer>;
  readonly i32: Int32Array<ArrayBuffer>;
  readonly u8: Uint8Array<ArrayBuffer>;
  readonly i8: Int8Array<ArrayBuffer>;
  readonly i16: Int16Array<ArrayBuffer>;
  readonly u16: Uint16Array<ArrayBuffer>;
  readonly u32: Uint32Array<ArrayBuffer>;
  readonly buffer: ArrayBuffer;
  constructor(memory: WebAssembly.Memory) {
    // Whoever works with the views need not know whether it is a SharedArrayBuffer.
    const buffer = memory.buffer as ArrayBuffer;
    this.buffer = buffer;
    this.f32 = new Float32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u8 = new Uint8Array(buffer);
    this.i8 = new Int8Array(buffer);
    this.i16 = new Int16Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.u32 = new Uint32Array(buffer);
  }
}
