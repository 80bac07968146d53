/**
 * Kernels with a clock.
 *
 * @module
 */
import type { Attention, Kernels } from "../../src/kernels/kernels.ts";
import type { Matrix } from "../../src/kernels/matrix.ts";
import { matrixBytes } from "../../src/kernels/matrix.ts";
import type { SlotKernels } from "../../src/kernels/slot_kernels.ts";
import type { Peaks } from "./peaks.ts";

/** What an operation has cost so far. */
export interface Cost {
  /** Milliseconds of each call. */
  readonly samples: number[];
  /** What it would take at the least: the longer of its reads and its arithmetic, each at the machine's peak; or NaN. */
  atBest: number;
}

/** All that kernels do. */
type Operations = Omit<Kernels, "slots"> & SlotKernels;

/**
 * Milliseconds of all calls, from their median: what others on the machine take from a few is not the operation's. Calls of
 * one name should do about the same.
 */
export function millisecondsOf({ samples }: Cost): number {
  const middle = samples.toSorted((a, b) => a - b)[samples.length >> 1];
  return middle * samples.length;
}

/** The name under which a call is counted, and the least it could take, in milliseconds. */
type Bill = readonly [name: string, atBest: number];

/** Wraps kernels so that `costs` tells where time goes. */
export class KernelClock {
  readonly costs = new Map<string, Cost>();
  /** Whether calls are counted. */
  isRunning = true;
  readonly #peaks: Peaks;

  constructor(peaks: Peaks) {
    this.#peaks = peaks;
  }

  /** Kernels that do as `kernels` do. */
  wrap(kernels: Kernels): Kernels {
    const slots = this.#timed(kernels.slots, {});
    return this.#timed(kernels, { slots });
  }

  /** `operations` with a clock, and with the members of `own` as they are. */
  #timed<T extends object>(operations: T, own: Partial<T>): T {
    const bills: Record<
      string | symbol,
      ((...args: never[]) => Bill) | undefined
    > = this.#bills();
    return new Proxy(operations, {
      get: (target, name) => {
        if (name in own) return Reflect.get(own, name);
        const method = Reflect.get(target, name);
        if (typeof method !== "function") return method;
        const bill = bills[name];
        const run = method.bind(target) as (...args: unknown[]) => void;
        return (...args: never[]) => {
          if (!this.isRunning) return run(...args);
          const start = performance.now();
          run(...args);
          const milliseconds = performance.now() - start;
          const [label, atBest] = bill?.(...args) ?? [String(name), NaN];
          this.#add(label, milliseconds, atBest);
        };
      },
    });
  }

  /** Forgets what was counted. */
  reset(): void {
    this.costs.clear();
  }

  #add(name: string, milliseconds: number, atBest: number): void {
    const cost = this.costs.get(name);
    if (!cost) this.costs.set(name, { samples: [milliseconds], atBest });
    else {
      cost.samples.push(milliseconds);
      cost.atBest += atBest;
    }
  }

  /** What each operation must read and compute. Vectors of activations lie in the first cache, all else in memory. */
  #bills(): {
    [K in keyof Operations]?: (...args: Parameters<Operations[K]>) => Bill;
  } {
    const { memory, cache, floats } = this.#peaks;
    const touch = (name: string, count: number): Bill => [
      name,
      count * 4 / cache,
    ];
    const attend = (a: Readonly<Attention>, slotBytes: number): Bill => {
      const seen = a.tokens * a.base + a.tokens * (a.tokens + 1) / 2;
      const products = 2 * seen * a.heads * a.headDim;
      const bytes = (a.base + a.tokens) * slotBytes;
      return [
        `attention, ${a.tokens} tokens`,
        Math.max(bytes / memory, products / floats),
      ];
    };
    return {
      quantize: (_type, _x, tokens, columns) =>
        touch(`quantize ${tokens}×${columns}`, tokens * columns),
      matmul: (matrix, _x, _y, tokens) => this.#product(matrix, tokens),
      rmsNorm: (_x, _w, _y, tokens, columns) =>
        touch("rmsNorm", 3 * tokens * columns),
      add: (_x, _y, tokens, columns) => touch("add", 2 * tokens * columns),
      addScaled: (_out, _x, _weight, count) => touch("addScaled", 2 * count),
      swiglu: (_gate, _up, tokens, columns) =>
        touch("swiglu", 2 * tokens * columns),
      rotate: (_x, _stride, _table, tokens, heads, headDim) =>
        touch("rotate", 3 * tokens * heads * headDim),
      attend: (a) => attend(a, 2 * a.headDim * 4),
      attendInt8: (a) => attend(a, 2 * (a.headDim + 4)),
      encode: (_x, _stride, _bytes, _scales, vectors, count) =>
        touch("encode", 2 * vectors * count),
      decode: (_bytes, _scale, _x, count) => touch("decode", 2 * count),
      encodeKey: (_x, _stride, _bytes, _scales, vectors, count) =>
        touch("encodeKey", 2 * vectors * count),
      turnKey: (_bytes, _table, vectors, _count, rotated) =>
        touch("turnKey", 3 * vectors * rotated),
      hadamard: (_x, count) => touch("hadamard", 2 * count),
    };
  }

  #product(matrix: Matrix, tokens: number): Bill {
    const { memory, bytes, words, floats } = this.#peaks;
    const { type, rows, columns } = matrix;
    const peak = { q4: bytes, q8: words, f16: floats, f32: floats }[type];
    const arithmetic = rows * columns * tokens / peak;
    const reading = matrixBytes(matrix) / memory;
    return [
      `matmul ${type} ${rows}×${columns}`,
      Math.max(arithmetic, reading),
    ];
  }
}
