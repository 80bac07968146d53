/**
 * What the kernels must compute, by {@link ReferenceKernels}.
 *
 * @module
 */
import { LinearMemory } from "../memory.ts";
import { ReferenceKernels } from "../reference.ts";
import {
  type Given,
  type KernelCase,
  LAYER,
  type Results,
} from "./kernel_case.ts";
import { NOTHING } from "./kernels.ts";

/** The step and the compaction of a case. */
export function referenceResults(test: KernelCase, given: Given): Results {
  const reference = new Reference(test, given);
  for (let head = 0; head < test.kvHeads; head++) reference.append(head);
  for (let head = 0; head < test.kvHeads; head++) reference.attend(head);
  return reference.results();
}

class Reference {
  readonly #test: KernelCase;
  readonly #given: Given;
  readonly #memory = new LinearMemory();
  readonly #kernels = new ReferenceKernels(this.#memory);
  /** Query heads of a key/value head. */
  readonly #group: number;
  /** Bytes of a key. */
  readonly #vector: number;
  /** Pointers to copies of what was given, and to what comes out. */
  readonly #queries: number;
  readonly #newKeys: number;
  readonly #keys: number;
  readonly #values: number;
  readonly #biases: number;
  readonly #output: number;
  readonly #mass: number;
  /** [2, ropeDim] */
  readonly #table: number;

  constructor(test: KernelCase, given: Given) {
    this.#test = test;
    this.#given = given;
    this.#group = test.heads / test.kvHeads;
    this.#vector = test.headDim * 4;
    this.#queries = this.#place(given.queries);
    this.#newKeys = this.#place(given.newKeys);
    this.#keys = this.#place(given.keys);
    this.#values = this.#place(given.values);
    this.#biases = this.#place(given.biases);
    this.#output = this.#place(new Float32Array(given.queries.length));
    this.#mass = this.#place(new Float32Array(given.slots));
    this.#table = this.#memory.allocate(test.ropeDim * 8);
  }

  #place(values: Float32Array): number {
    const pointer = this.#memory.allocate(values.byteLength);
    this.#memory.f32.set(values, pointer / 4);
    return pointer;
  }

  #read(pointer: number, count: number): Float32Array {
    return this.#memory.f32.slice(pointer / 4, pointer / 4 + count);
  }

  #turn(pointer: number, position: number, count = 1): void {
    const { headDim, ropeDim } = this.#test;
    const row = angleRow(this.#given.frequencies, position);
    this.#memory.f32.set(row, this.#table / 4);
    this.#kernels.rotate(pointer, this.#table, count, headDim, ropeDim);
  }

  /** Turns a head's queries and new keys, and takes the keys and values into its slots. */
  append(head: number): void {
    const { headDim, heads, kvHeads, appended, tokens } = this.#test;
    const { units, newValues } = this.#given;
    const vector = this.#vector;
    const unit = units[LAYER * kvHeads + head];
    for (let t = 0; t < tokens; t++) {
      const position = unit.next + appended + t;
      const query = t * heads + head * this.#group;
      this.#turn(this.#queries + query * vector, position, this.#group);
      const row = t * kvHeads + head;
      const key = this.#newKeys + row * vector;
      this.#turn(key, position);
      const slot = unit.offset + unit.live + appended + t;
      const { u8, f32 } = this.#memory;
      u8.copyWithin(this.#keys + slot * vector, key, key + vector);
      const value = newValues.subarray(row * headDim, (row + 1) * headDim);
      f32.set(value, this.#values / 4 + slot * headDim);
      f32[this.#biases / 4 + slot] = 0;
    }
  }

  /** Attention of a head's queries, of which the last ones are observed, corrected. */
  attend(head: number): void {
    const { headDim, heads, kvHeads, appended, tokens } = this.#test;
    const { units, corrections, liftFrom, liftTo } = this.#given;
    const { observed, share } = this.#test;
    const vector = this.#vector, group = this.#group;
    const unit = units[LAYER * kvHeads + head];
    const at = head * group * vector;
    const attention = {
      query: this.#queries + at,
      output: this.#output + at,
      stride: heads * vector,
      keys: this.#keys + unit.offset * vector,
      keyScales: 0,
      values: this.#values + unit.offset * vector,
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

  /** [group, 3] of one key/value head. */
  #liftsOf(head: number): Float32Array {
    const { heads, share } = this.#test;
    const group = this.#group;
    const first = (LAYER * heads + head * group) * 3;
    return this.#given.corrections.slice(first, first + group * 3)
      .map((x, i) => i % 3 ? share * x : 1 + share * x);
  }

  results(): Results {
    const { slots, queries } = this.#given;
    const floats = slots * this.#test.headDim;
    const [keys, values] = [this.#keys, this.#values]
      .map((pointer) => this.#read(pointer, floats));
    return {
      rotate: this.#read(this.#queries, queries.length),
      append: Float32Array.from([...keys, ...values]),
      attend: this.#read(this.#output, queries.length),
      score: this.#read(this.#mass, slots),
      gather: this.#gather(),
    };
  }

  /** The new keys, then the new values. */
  #gather(): Float32Array {
    const { slots, plan } = this.#given;
    const weights = new Float32Array(plan.buffer);
    const starts = 2 + 2 * slots, members = starts + plan[1] + 1;
    const out = new Float32Array(2 * slots * this.#test.headDim);
    for (let slot = 0; slot < slots; slot++) {
      const source = plan[2 + 2 * slot];
      if (source === NOTHING) continue;
      if (source >= 0) this.#add(out, slot, source, plan[3 + 2 * slot], 1);
      if (source >= 0) continue;
      const row = starts + ~source;
      for (let m = plan[row]; m < plan[row + 1]; m++) {
        const at = members + 3 * m;
        this.#add(out, slot, plan[at], plan[at + 1], weights[at + 2]);
      }
    }
    return out;
  }

  /** Adds weight · an old slot, turned, to a new one. */
  #add(
    out: Float32Array,
    slot: number,
    old: number,
    turn: number,
    weight: number,
  ): void {
    const { headDim } = this.#test;
    const from = old * headDim;
    const key = this.#place(this.#read(this.#keys + from * 4, headDim));
    this.#turn(key, turn);
    const value = this.#values + from * 4;
    for (const [part, pointer] of [key, value].entries()) {
      const to = (part * this.#given.slots + slot) * headDim;
      this.#read(pointer, headDim).forEach((x, d) => out[to + d] += weight * x);
    }
    this.#memory.free(key);
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
