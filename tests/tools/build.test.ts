import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { build, BuildError } from "../../tools/build.ts";

const DOT = `
export function dot(a: usize, b: usize): i32 {
  const zero = i32x4.splat(0);
  const x = v128.load(a), y = v128.load(b);
  const sums = ASC_FEATURE_RELAXED_SIMD
    ? i32x4.relaxed_dot_i8x16_i7x16_add_s(x, y, zero)
    : i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(x), i16x8.extend_low_i8x16_s(y));
  return i32x4.extract_lane(sums, 0);
}
`;

async function project(
  kernels: Record<string, string>,
): Promise<AsyncDisposable & { root: string }> {
  const root = await Deno.makeTempDir();
  await Deno.mkdir(`${root}/src/kernels/simd`, { recursive: true });
  for (const [name, text] of Object.entries(kernels)) {
    await Deno.writeTextFile(`${root}/src/kernels/simd/${name}`, text);
  }
  return {
    root,
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

async function load(root: string, file: string) {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const wasm = await Deno.readFile(`${root}/build/${file}`);
  const { instance } = await WebAssembly.instantiate(wasm, { env: { memory } });
  return { memory, wasm, exports: instance.exports };
}

Deno.test("build() compiles the kernels with and without relaxed SIMD", async () => {
  await using at = await project({
    "index.ts": `export { dot } from "./dot";\n`,
    "dot.ts": DOT,
  });
  assertEquals(await build(at.root), true);

  const modules = [
    // The relaxed dot product adds four neighbours to a lane, the plain one two.
    { file: "kernels_relaxed.wasm", sum: 4 * 6 },
    { file: "kernels_simd.wasm", sum: 2 * 6 },
  ];
  for (const { file, sum } of modules) {
    const { memory, exports } = await load(at.root, file);
    new Uint8Array(memory.buffer, 2048, 16).fill(2);
    new Uint8Array(memory.buffer, 4096, 16).fill(3);
    const dot = exports.dot as (a: number, b: number) => number;
    assertEquals(dot(2048, 4096), sum, file);
  }
});

Deno.test("build() keeps static data at 1024 and above", async () => {
  await using at = await project({
    "index.ts": `const TABLE: StaticArray<u8> = [7, 8, 9];
      export function at(i: i32): i32 { return unchecked(TABLE[i]); }
      export function heapBase(): usize { return __heap_base; }`,
  });
  await build(at.root);
  const { memory, exports } = await load(at.root, "kernels_simd.wasm");
  assertEquals((exports.at as (i: number) => number)(2), 9);
  const bytes = new Uint8Array(memory.buffer);
  assertEquals(bytes.findIndex((byte) => byte !== 0) >= 1024, true);
  const end = (exports.heapBase as () => number)();
  assertEquals(bytes.subarray(end).every((byte) => byte === 0), true);
});

Deno.test("build() does nothing when up to date", async () => {
  await using at = await project({ "index.ts": DOT });
  assertEquals(await build(at.root), true);
  assertEquals(await build(at.root), false);
});

Deno.test("build() compiles again when a source, or an output, has changed", async () => {
  await using at = await project({ "index.ts": DOT });
  await build(at.root);
  const source = `${at.root}/src/kernels/simd/index.ts`;
  await Deno.writeTextFile(source, DOT.replace("dot(", "product("));
  assertEquals(await build(at.root), true);
  const { exports } = await load(at.root, "kernels_simd.wasm");
  assertEquals(Object.keys(exports).includes("product"), true);

  await Deno.remove(`${at.root}/build/kernels_simd.wasm`);
  assertEquals(await build(at.root), true);
  await Deno.truncate(`${at.root}/build/kernels_relaxed.wasm`, 20);
  assertEquals(await build(at.root), true);
});

Deno.test("build() may overlap with itself and leaves nothing half-done", async () => {
  await using at = await project({ "index.ts": DOT });
  await Promise.all([build(at.root), build(at.root), build(at.root)]);
  const names = Array.from(
    Deno.readDirSync(`${at.root}/build`),
    (entry) => entry.name,
  );
  assertEquals(names.sort(), [
    "kernels.json",
    "kernels_relaxed.wasm",
    "kernels_relaxed_shared.wasm",
    "kernels_simd.wasm",
    "kernels_simd_shared.wasm",
  ]);
  assertEquals(await build(at.root), false);
});

Deno.test("build() reports what the compiler says and keeps the old outputs", async () => {
  await using at = await project({ "index.ts": DOT });
  await build(at.root);
  const before = await Deno.readFile(`${at.root}/build/kernels_simd.wasm`);
  await Deno.writeTextFile(
    `${at.root}/src/kernels/simd/index.ts`,
    "export function f(a: i32): i32 { return a + missing; }",
  );
  const error = await assertRejects(() => build(at.root), BuildError);
  assertStringIncludes(error.message, "Cannot find name 'missing'");
  assertStringIncludes(error.message, "index.ts(1,");
  const after = await Deno.readFile(`${at.root}/build/kernels_simd.wasm`);
  assertEquals(after, before);
});

Deno.test("build() refuses a kernel that allocates", async () => {
  await using at = await project({
    "index.ts": `class P { x: i32 = 0; }
      let kept: P | null = null;
      export function f(x: i32): void { kept = new P(); kept!.x = x; }`,
  });
  const error = await assertRejects(() => build(at.root), BuildError);
  assert(error.message.includes("env.abort"), error.message);
});
