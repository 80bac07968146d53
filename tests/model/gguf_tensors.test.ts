import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ModelError } from "../../src/engine/errors.ts";
import { type GgufFile, readGguf } from "../../src/model/gguf.ts";
import type { GgufTensor, GgufValue } from "../helpers/gguf_writer.ts";
import { GGML_TYPE, writeTinyGguf } from "../helpers/tiny_gguf.ts";

type Tensors = Readonly<Record<string, GgufTensor | null>>;

/** Reads a tiny model with other tensors. */
async function load(
  tensors: Tensors,
  metadata: Readonly<Record<string, GgufValue>> = {},
): Promise<GgufFile> {
  const { path, folder } = await writeTinyGguf({ tensors, metadata });
  try {
    return readGguf(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A tensor of zeros. */
function zeros(shape: number[], type: number, bytes: number): GgufTensor {
  return { shape, type, data: new Uint8Array(bytes) };
}

Deno.test("placeTensors() takes the frequencies of a rope", async () => {
  const { tensors } = await load({
    "rope_freqs.weight": zeros([8], GGML_TYPE.F32, 32),
  });
  const { type, columns, rows } = tensors.get("rope_freqs.weight")!;
  assertEquals({ type, columns, rows }, { type: "F32", columns: 8, rows: 1 });
});

/** Tensors that are refused, and why. */
const REFUSED: readonly [Tensors, string][] = [
  [{ "token_embd.weight": null }, "it has no tensor token_embd.weight"],
  [{ "output_norm.weight": null }, "it has no tensor output_norm.weight"],
  [{ "blk.1.ffn_up.weight": null }, "it has no tensor blk.1.ffn_up.weight"],
  [
    { "blk.0.attn_q.bias": zeros([64], GGML_TYPE.F32, 256) },
    "tensor blk.0.attn_q.bias is not supported",
  ],
  [
    { "blk.2.attn_q.weight": zeros([64, 64], GGML_TYPE.F16, 8192) },
    "tensor blk.2.attn_q.weight is not supported",
  ],
  [
    { "blk.0.attn_q.weight": zeros([64, 32], GGML_TYPE.F16, 4096) },
    "tensor blk.0.attn_q.weight is 64 × 32, not 64 × 64",
  ],
  [
    { "blk.0.attn_q.weight": zeros([64, 64, 2], GGML_TYPE.F16, 16384) },
    "tensor blk.0.attn_q.weight is 64 × 64 × 2, not 64 × 64",
  ],
  [
    { "blk.0.attn_q.weight": zeros([64, 64], 14, 3360) },
    "tensor blk.0.attn_q.weight has the type Q6_K, which is not supported",
  ],
  [
    { "blk.0.attn_q.weight": zeros([64, 64], 77, 3360) },
    "tensor blk.0.attn_q.weight has the type number 77, which is not supported",
  ],
  [
    { "output_norm.weight": zeros([64], GGML_TYPE.F16, 128) },
    "tensor output_norm.weight has the type F16, which is not supported",
  ],
];

for (const [tensors, why] of REFUSED) {
  Deno.test(`placeTensors() refuses: ${why}`, async () => {
    await assertRejects(() => load(tensors), ModelError, `: ${why}`);
  });
}

Deno.test("placeTensors() refuses quantised rows of no whole number of blocks", async () => {
  const { path, folder } = await writeTinyGguf({
    ffn: 48,
    type: "F16",
    tensors: { "blk.0.ffn_down.weight": zeros([48, 64], GGML_TYPE.Q4_0, 1728) },
  });
  assertThrows(
    () => readGguf(path),
    ModelError,
    "tensor blk.0.ffn_down.weight has rows of 48 values, but Q4_0 wants a multiple of 32",
  );
  await Deno.remove(folder, { recursive: true });
});

/** The bytes of a tiny model in which the offset of a tensor is another one. */
async function moved(
  tensor: string,
  offset: (old: bigint) => bigint,
): Promise<string> {
  const { path, bytes } = await writeTinyGguf();
  const name = new TextDecoder("latin1").decode(bytes).indexOf(tensor);
  // After the name: number of dimensions, two dimensions, type.
  const at = name + tensor.length + 4 + 16 + 4;
  const view = new DataView(bytes.buffer);
  view.setBigUint64(at, offset(view.getBigUint64(at, true)), true);
  await Deno.writeFile(path, bytes);
  return path;
}

Deno.test("placeTensors() refuses offsets that cannot be right", async () => {
  const tensor = "blk.0.attn_v.weight";
  for (
    const [offset, why] of [
      [(old: bigint) => old + 1n, `tensor ${tensor} is not aligned`],
      [() => 0n, `tensors token_embd.weight and ${tensor} overlap`],
      [
        () => 2n ** 62n,
        `bytes are missing at its end, where tensor ${tensor} is`,
      ],
    ] as const
  ) {
    const path = await moved(tensor, offset);
    assertThrows(() => readGguf(path), ModelError, why);
    await Deno.remove(path.replace("/tiny.gguf", ""), { recursive: true });
  }
});

Deno.test("placeTensors() refuses a strange alignment", async () => {
  for (const u32 of [0, 4, 33, 2 ** 31]) {
    await assertRejects(
      () => load({}, { "general.alignment": { u32 } }),
      ModelError,
      `general.alignment`,
    );
  }
});
