import { assertEquals, assertRejects } from "@std/assert";
import { ModelError } from "../../../src/engine/errors.ts";
import { readGguf } from "../../../src/model/gguf.ts";
import { SimdRuntime } from "../../../src/model/simd/runtime.ts";
import {
  type TinyGgufOptions,
  writeTinyGguf,
} from "../../helpers/tiny_gguf.ts";

/** Loads a tiny model whose file `damage` has changed after it was parsed. */
async function loadDamaged(
  options: TinyGgufOptions,
  tensor: string,
  damage: (path: string, offset: number) => Promise<void>,
): Promise<void> {
  const { path, folder } = await writeTinyGguf(options);
  try {
    const file = readGguf(path);
    await damage(path, file.tensors.get(tensor)!.offset);
    await SimdRuntime.load(file);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Writes bytes into a file. */
async function patch(path: string, at: number, bytes: number[]): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.seek(at, Deno.SeekMode.Start);
  assertEquals(await file.write(Uint8Array.from(bytes)), bytes.length);
}

const NAN_HALF = [0x00, 0x7e];
const INFINITY_SINGLE = [0x00, 0x00, 0x80, 0x7f];

for (const type of ["F16", "Q8_0", "Q4_0", "Q4_1", "F32"] as const) {
  Deno.test(`loadWeights() refuses a value or scale that is no finite number: ${type}`, async () => {
    const name = "blk.1.ffn_up.weight";
    const bytes = type === "F32" ? INFINITY_SINGLE : NAN_HALF;
    const error = await assertRejects(
      () => loadDamaged({ type }, name, (path, at) => patch(path, at, bytes)),
      ModelError,
      `tensor ${name}: it holds a value that is no finite number`,
    );
    assertEquals(error.message.startsWith("Cannot load "), true);
  });
}

Deno.test("loadWeights() refuses a norm that is no finite number", async () => {
  const name = "blk.0.attn_norm.weight";
  await assertRejects(
    () => loadDamaged({}, name, (path, at) => patch(path, at, INFINITY_SINGLE)),
    ModelError,
    `tensor ${name}: it holds a value that is no finite number`,
  );
});

Deno.test("loadWeights() refuses a file that has become shorter since it was parsed", async () => {
  const name = "blk.1.attn_q.weight";
  await assertRejects(
    () => loadDamaged({}, name, (path, at) => Deno.truncate(path, at + 10)),
    ModelError,
    `tensor ${name}: the file ends within it`,
  );
});

Deno.test("loadWeights() refuses a file that is gone", async () => {
  await assertRejects(
    () => loadDamaged({}, "output_norm.weight", (path) => Deno.remove(path)),
    ModelError,
    "Cannot open ",
  );
});
