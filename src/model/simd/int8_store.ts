/**
 * @module
 */
import type { Attention } from "../../kernels/kernels.ts";
import type { SlotPlane, SlotStore, SlotTools } from "./slot_store.ts";

/** Bytes of what stands beside a vector: its scale and the sum of its bytes. */
const META = 8;

/**
 * Slots in 8 bits, with a scale for each vector. A key is held twice: as it came, and turned to its position, which is what
 * attention reads. Turning it anew always starts from the first, so that rounding never adds up however often it moves.
 */
export class Int8Store implements SlotStore {
  readonly planes: readonly SlotPlane[];
  readonly #tools: SlotTools;
  /** [slot, headDim] int8 each, and [slot, 2] f32 beside it: keys as they came, keys turned, values. */
  readonly #keys: Vectors;
  readonly #turned: Vectors;
  readonly #values: Vectors;
  /** [headDim] f32 */
  readonly #scratch: number;

  constructor(tools: SlotTools, slots: number, scratch: number) {
    const { memory, config } = tools;
    const create = (): Vectors => ({
      // Attention reads values eight slots at a time, and so up to seven slots too far.
      bytes: memory.allocate((slots + 7) * config.headDim),
      meta: memory.allocate(slots * META),
    });
    this.#tools = tools;
    this.#scratch = scratch;
    this.#keys = create();
    this.#turned = create();
    this.#values = create();
    this.planes = [this.#keys, this.#turned, this.#values].flatMap((
      { bytes, meta },
    ) => [
      { pointer: bytes, bytes: config.headDim },
      { pointer: meta, bytes: META },
    ]);
  }

  write(slot: number, key: number, value: number, position: number): void {
    this.#encode(this.#keys, slot, key);
    this.#encode(this.#values, slot, value);
    this.turn(slot, 0, position);
  }

  readKey(slot: number, _position: number, to: number): void {
    this.#decode(this.#keys, slot, to);
  }

  readValue(slot: number, to: number): void {
    this.#decode(this.#values, slot, to);
  }

  turn(slot: number, _from: number, to: number): void {
    const { kernels, rope, config } = this.#tools;
    const { headDim, ropeDim } = config;
    this.#decode(this.#keys, slot, this.#scratch);
    kernels.rotate(this.#scratch, rope.row(to), 1, headDim, ropeDim);
    this.#encode(this.#turned, slot, this.#scratch);
  }

  #encode({ bytes, meta }: Vectors, slot: number, from: number): void {
    const { kernels, config } = this.#tools;
    const { headDim } = config;
    kernels.encode(from, bytes + slot * headDim, meta + slot * META, headDim);
  }

  #decode({ bytes, meta }: Vectors, slot: number, to: number): void {
    const { kernels, config } = this.#tools;
    const { headDim } = config;
    kernels.decode(bytes + slot * headDim, meta + slot * META, to, headDim);
  }

  attend(attention: Attention, first: number): void {
    const { headDim } = this.#tools.config;
    attention.keys = this.#turned.bytes + first * headDim;
    attention.keyMeta = this.#turned.meta + first * META;
    attention.values = this.#values.bytes + first * headDim;
    attention.valueMeta = this.#values.meta + first * META;
    this.#tools.kernels.attendInt8(attention);
  }
}

/** Pointers to an array of vectors in 8 bits and to what stands beside them. */
interface Vectors {
  readonly bytes: number;
  readonly meta: number;
}
