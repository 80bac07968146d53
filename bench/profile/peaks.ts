/**
 * What one core of this machine does at best, in WebAssembly: the roof under which kernels are judged (Williams et al. 2009,
 * "Roofline").
 *
 * @module
 */
import { compile } from "../../tools/build.ts";

/** Units a millisecond. */
export interface Peaks {
  /** Bytes read from memory. */
  readonly memory: number;
  /** Bytes read from the first cache. */
  readonly cache: number;
  /** Products of bytes, of 16-bit numbers, of f32, each with its sum. */
  readonly bytes: number;
  readonly words: number;
  readonly floats: number;
}

type Loops = Record<
  "read" | "dotBytes" | "dotWords" | "dotFloats",
  (...args: number[]) => number
>;

/** More than any cache of one core holds. */
const LARGE = 1 << 27;
/** What the first cache holds easily. */
const SMALL = 1 << 14;
const TURNS = 50_000;
/** Many and short, so that some run on a core of their own, and in code that the engine has optimised. */
const ROUNDS = 200;
const ROUNDS_LARGE = 20;

/** Measures; takes about a second. */
export async function measurePeaks(): Promise<Peaks> {
  const source = new URL("kernels/index.ts", import.meta.url);
  const wasm = await compile(
    new Map([["index.ts", await Deno.readTextFile(source)]]),
    ["simd", "relaxed-simd"],
  );
  const memory = new WebAssembly.Memory({ initial: 1 + LARGE / 65_536 });
  // Pages that were never written are all the same one.
  new Uint8Array(memory.buffer).fill(1);
  const { instance } = await WebAssembly.instantiate(wasm, { env: { memory } });
  const loops = instance.exports as unknown as Loops;
  const start = 65_536;
  return {
    memory: LARGE / best(() => loops.read(start, LARGE, 1), ROUNDS_LARGE),
    cache: SMALL * 100 / best(() => loops.read(start, SMALL, 100)),
    bytes: TURNS * 12 * 16 / best(() => loops.dotBytes(TURNS, 0)),
    words: TURNS * 12 * 8 / best(() => loops.dotWords(TURNS, 0)),
    floats: TURNS * 12 * 4 / best(() => loops.dotFloats(TURNS, 0)),
  };
}

/** The shortest of several runs, in milliseconds: what others on the machine take is not the core's. */
function best(run: () => void, rounds = ROUNDS): number {
  let least = Infinity;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    run();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}
