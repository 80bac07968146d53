/**
 * What the kernels must compute, by {@link ReferenceKernels}.
 *
 * @module
 */
import { LinearMemory } from "../memory.ts";
import { ReferenceKernels } from "../reference.ts";
import { GPU_STORES, slotWords } from "./gpu_stores.ts";
import { type Given, type KernelCase, LAYER } from "./kernel_case.ts";
import { NOTHING } from "./kernels.ts";
import type { Records } from "./outcome.ts";
import { carryOut } from "./plan_reference.ts";
import { ReferenceStore, type ReferenceTools } from "./reference_store.ts";

/** The step and the compaction of a case, an operation after the other. */
export class Reference {
  readonly #test: KernelCase;
  readonly #given: Given;
  readonly #memory = new LinearMemory();
  readonly #kernels = new ReferenceKernels(this.#memory);
  readonly #tools: ReferenceTools;
  readonly #store: ReferenceStore;
  /** Query heads of a key/value head. */
  readonly #group: number;
  /** Bytes of a key in f32. */
  readonly #vector: number;
  /** Pointers to copies of what was given, and to what comes out. */
  readonly #queries: number;
  readonly #biases: number;
  readonly #output: number;
  readonly #mass: number;

  constructor(test: KernelCase, given: Given) {
    const memory = this.#memory;
    const table = memory.allocate(test.ropeDim * 8);
    this.#test = test;
    this.#given = given;
    this.#tools = {
      memory,
      kernels: this.#kernels,
      shape: test,
      row: (position) => {
        memory.f32.set(angleRow(given.frequencies, position), table / 4);
        return table;
      },
    };
    this.#group = test.heads / test.kvHeads;
    this.#vector = test.headDim * 4;
    this.#store = this.#newStore();
    this.#queries = this.#place(given.queries);
    this.#biases = this.#place(given.biases);
    this.#output = this.#place(new Float32Array(given.queries.length));
    this.#mass = this.#place(new Float32Array(given.slots));
    for (let slot = 0; slot < given.slots; slot++) {
      this.#put(slot, given.keys, given.values, slot);
    }
  }

  #newStore(): ReferenceStore {
    const store = GPU_STORES[this.#test.store];
    return new ReferenceStore(this.#tools, store, this.#given.slots);
  }

  #place(values: Float32Array): number {
    const pointer = this.#memory.allocate(values.byteLength);
    this.#memory.f32.set(values, pointer / 4);
    return pointer;
  }

  #read(pointer: number, count: number): Float32Array<ArrayBuffer> {
    return this.#memory.f32.slice(pointer / 4, pointer / 4 + count);
  }

  /** Fills a slot with row `row` of keys and values. */
  #put(
    slot: number,
    keys: Float32Array,
    values: Float32Array,
    row: number,
  ): void {
    const { headDim } = this.#test;
    const start = row * headDim, end = start + headDim;
    const key = this.#place(keys.subarray(start, end));
    const value = this.#place(values.subarray(start, end));
    this.#store.putKey(slot, key, this.#given.positions[slot]);
    this.#store.putValue(slot, value);
    this.#memory.free(key);
    this.#memory.free(value);
  }

  /** What the slots hold now. */
  get records(): Records {
    return this.#recordsOf(this.#store);
  }

  #recordsOf({ keys, values }: ReferenceStore): Records {
    const { headDim, store } = this.#test;
    const words = slotWords(GPU_STORES[store], headDim);
    const { slots } = this.#given;
    const read = (pointer: number, count: number) =>
      new Int32Array(this.#read(pointer, slots * count).buffer);
    return { keys: read(keys, words.key), values: read(values, words.value) };
  }

  /** Goes on with these records: what follows is not to depend on how a device rounded. */
  adopt({ keys, values }: Records): void {
    this.#memory.u32.set(keys, this.#store.keys / 4);
    this.#memory.u32.set(values, this.#store.values / 4);
  }

  /** Turns the queries; gives them. */
  rotate(): Float32Array {
    const { headDim, heads, kvHeads, ropeDim, appended, tokens } = this.#test;
    for (let t = 0; t < tokens; t++) {
      for (let head = 0; head < kvHeads; head++) {
        const { next } = this.#given.units[LAYER * kvHeads + head];
        const query = this.#queries +
          (t * heads + head * this.#group) * this.#vector;
        const row = this.#tools.row(next + appended + t);
        this.#kernels.rotate(query, 0, row, 1, this.#group, headDim, ropeDim);
      }
    }
    return this.#read(this.#queries, tokens * heads * headDim);
  }

  /** Takes the new keys and values into their slots. */
  append(): void {
    const { kvHeads, appended, tokens } = this.#test;
    const { units, newKeys, newValues } = this.#given;
    for (let head = 0; head < kvHeads; head++) {
      const { offset, live } = units[LAYER * kvHeads + head];
      for (let t = 0; t < tokens; t++) {
        const slot = offset + live + appended + t;
        this.#put(slot, newKeys, newValues, t * kvHeads + head);
        this.#memory.f32[this.#biases / 4 + slot] = 0;
      }
    }
  }

  /** Attention of all queries, and what each slot got of it. */
  attend(): { output: Float32Array; mass: Float32Array } {
    const { kvHeads } = this.#test;
    for (let head = 0; head < kvHeads; head++) this.#attend(head);
    const { queries, slots } = this.#given;
    return {
      output: this.#read(this.#output, queries.length),
      mass: this.#read(this.#mass, slots),
    };
  }

  /** Attention of a head's queries, of which the last ones are observed, corrected. */
  #attend(head: number): void {
    const { headDim, heads, kvHeads, appended, tokens } = this.#test;
    const { units, corrections, liftFrom, liftTo } = this.#given;
    const { observed, share } = this.#test;
    const vector = this.#vector, group = this.#group;
    const unit = units[LAYER * kvHeads + head];
    const at = head * group * vector;
    const { keys, values } = this.#seen(
      unit.offset,
      unit.live + appended + tokens,
    );
    const attention = {
      query: this.#queries + at,
      output: this.#output + at,
      stride: heads * vector,
      keys,
      keyScales: 0,
      values,
      valueScales: 0,
      bias: this.#biases + unit.offset * 4,
      lift: share ? this.#place(this.#liftsOf(head)) : 0,
      liftFrom,
      liftTo,
      scores: 0,
      scratch: 0,
      spread: 0,
      mass: 0,
      heads: group,
      headDim,
      base: unit.live + appended,
      tokens: observed,
      scale: 1 / Math.sqrt(headDim),
    };
    this.#kernels.attend(attention);
    attention.query += observed * heads * vector;
    attention.output += observed * heads * vector;
    attention.mass = this.#mass + unit.offset * 4;
    attention.base += observed;
    attention.tokens = tokens - observed;
    this.#kernels.attend(attention);

    const all = 2 * heads, width = group * headDim;
    const first = (all * 3) + (LAYER * heads + head * group) * headDim;
    const second = first + all * headDim;
    this.#kernels.correct(
      this.#output + at,
      this.#place(corrections.subarray(first, first + width)),
      this.#place(corrections.subarray(second, second + width)),
      share,
      width,
      heads * vector,
      tokens,
    );
  }

  /** Pointers to the keys and values of slots side by side, in f32, as attention sees them. */
  #seen(first: number, count: number): { keys: number; values: number } {
    const keys = this.#memory.allocate(count * this.#vector);
    const values = this.#memory.allocate(count * this.#vector);
    for (let i = 0; i < count; i++) {
      const slot = first + i, at = i * this.#vector;
      this.#store.seenKey(slot, this.#given.positions[slot], keys + at);
      this.#store.takeValue(slot, values + at);
    }
    return { keys, values };
  }

  /** [group, 3] of one key/value head. */
  #liftsOf(head: number): Float32Array {
    const { heads, share } = this.#test;
    const group = this.#group;
    const first = (LAYER * heads + head * group) * 3;
    return this.#given.corrections.slice(first, first + group * 3)
      .map((x, i) => i % 3 ? share * x : 1 + share * x);
  }

  /** The slots that the plan makes. */
  gather(): Records {
    const made = this.#newStore();
    const { plan, slots } = this.#given;
    carryOut(plan, slots, this.#tools, this.#store, made);
    return this.#recordsOf(made);
  }

  /** [slots, headDim] the keys that are wanted, turned back. */
  unpackKeys(): Float32Array {
    return this.#unpack((slot, position, to) =>
      this.#store.takeKey(slot, position, to)
    );
  }

  /** [slots, headDim] the same keys, as they are seen. */
  unpackTurned(): Float32Array {
    return this.#unpack((slot, position, to) =>
      this.#store.seenKey(slot, position, to)
    );
  }

  /** [slots, headDim] their values. */
  unpackValues(): Float32Array {
    return this.#unpack((slot, _, to) => this.#store.takeValue(slot, to));
  }

  #unpack(
    take: (slot: number, position: number, to: number) => void,
  ): Float32Array {
    const { slots, wanted } = this.#given;
    const vectors = this.#place(new Float32Array(slots * this.#test.headDim));
    for (let i = 0; i < slots; i++) {
      const [slot, position] = wanted.subarray(1 + 2 * i);
      if (slot === NOTHING) continue;
      take(slot, position, vectors + i * this.#vector);
    }
    return this.#read(vectors, slots * this.#test.headDim);
  }
}

/** [2, ropeDim] as `ReferenceKernels.rotate` wants it. */
function angleRow(frequencies: Float64Array, position: number): number[] {
  const angles = [...frequencies].map((frequency) => position * frequency);
  return [
    ...angles.flatMap((a) => [Math.cos(a), Math.cos(a)]),
    ...angles.flatMap((a) => [-Math.sin(a), Math.sin(a)]),
  ];
}
