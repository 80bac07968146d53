import { gguf } from "@huggingface/gguf";
import { assertEquals, assertThrows } from "@std/assert";
import { ModelError } from "../../src/engine/errors.ts";
import { readGguf } from "../../src/model/gguf.ts";
import { FileCursor } from "../../src/model/gguf_cursor.ts";
import { scanGguf } from "../../src/model/gguf_scan.ts";
import { tinyGguf, writeTinyGguf } from "../helpers/tiny_gguf.ts";

/** Where `text` starts in a file. */
function find(bytes: Uint8Array, text: string): number {
  return new TextDecoder("latin1").decode(bytes).indexOf(text);
}

/** What is wrong with a tiny model once `damage` has been done to it. */
async function complaint(
  damage: (view: DataView, bytes: Uint8Array) => void,
): Promise<string> {
  const { bytes } = tinyGguf();
  damage(new DataView(bytes.buffer), bytes);
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, bytes);
    const error = assertThrows(() => readGguf(path), ModelError);
    return error.message.replace(`Cannot load ${path}: `, "");
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("scanGguf() takes versions 2 and 3, and no other", async () => {
  for (const version of [0, 1, 4]) {
    assertEquals(
      await complaint((view) => view.setUint32(4, version, true)),
      `GGUF version ${version} is not supported`,
    );
  }
  const { path, folder, bytes } = await writeTinyGguf();
  bytes[4] = 2;
  await Deno.writeFile(path, bytes);
  assertEquals(readGguf(path).config.layers, 2);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("scanGguf() reads every type of value, and the table of tensors, as @huggingface/gguf does", async () => {
  const bytes = Uint8Array.of(0xf1, 0xe2, 0xd3, 0xc4, 0xb5, 0xa6, 0x97, 0xc8);
  const sizes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
  const metadata = Object.fromEntries(
    sizes.flatMap((size, type) =>
      size === 0
        ? []
        : [[`x.type_${type}`, { type, bytes: bytes.subarray(0, size) }]]
    ),
  );
  const { path, folder } = await writeTinyGguf({ metadata });
  using file = Deno.openSync(path);
  const { size } = file.statSync();
  const header = scanGguf(new FileCursor(path, file, size));
  const { metadata: values, tensorInfos } = await gguf(path, {
    allowLocalFile: true,
  });
  const singles = Object.entries(values)
    .filter(([key, value]) => key.includes(".") && !Array.isArray(value));
  assertEquals(
    Object.fromEntries(header.metadata),
    Object.fromEntries(singles),
  );
  assertEquals(
    header.tensors,
    tensorInfos.map(({ name, shape, dtype, offset }) => ({
      name,
      shape: shape.map(Number),
      type: dtype,
      offset: Number(offset),
    })),
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("scanGguf() does not believe counts that no model has", async () => {
  for (
    const [at, what] of [[8, "tensors"], [16, "metadata entries"]] as const
  ) {
    assertEquals(
      await complaint((view) => view.setBigUint64(at, 1n << 20n, true)),
      `it claims to have 1048576 ${what}`,
    );
  }
});

Deno.test("scanGguf() refuses a key that is there twice", async () => {
  assertEquals(
    await complaint((_, bytes) => {
      const at = find(bytes, "tokenizer.ggml.bos_token_id");
      bytes.set(new TextEncoder().encode("tokenizer.ggml.eos_token_id"), at);
    }),
    "tokenizer.ggml.eos_token_id is there twice",
  );
});

Deno.test("scanGguf() refuses types that it does not know", async () => {
  const key = "llama.block_count";
  assertEquals(
    await complaint((view, bytes) =>
      view.setUint32(find(bytes, key) + key.length, 13, true)
    ),
    `${key} has the type 13, which is not supported`,
  );
  const list = "tokenizer.ggml.tokens";
  assertEquals(
    await complaint((view, bytes) =>
      view.setUint32(find(bytes, list) + list.length + 4, 9, true)
    ),
    `${list} has the type 9, which is not supported`,
  );
});

Deno.test("scanGguf() refuses a tensor of more than four dimensions", async () => {
  const name = "output_norm.weight";
  assertEquals(
    await complaint((view, bytes) =>
      view.setUint32(find(bytes, name) + name.length, 5, true)
    ),
    `tensor ${name} has 5 dimensions`,
  );
});

Deno.test("scanGguf() leaves out strings above 64 KiB, and only these", async () => {
  const { path, folder } = await writeTinyGguf({
    metadata: {
      "x.long": { string: "x".repeat(65_537) },
      "x.full": { string: "y".repeat(65_536) },
      "x.after": { u32: 7 },
    },
  });
  const { metadata } = readGguf(path);
  assertEquals(metadata.has("x.long"), false);
  assertEquals(metadata.get("x.full"), "y".repeat(65_536));
  assertEquals(metadata.get("x.after"), 7);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("scanGguf() takes a header longer than what is held of it at a time", async () => {
  // Far more than is held at a time.
  const metadata = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [
      `x.text_${i}`,
      { string: String(i).padEnd(60_000, "z") },
    ]),
  );
  const { path, folder } = await writeTinyGguf({ metadata });
  const file = readGguf(path);
  for (const [key, { string }] of Object.entries(metadata)) {
    assertEquals(file.metadata.get(key), string);
  }
  await Deno.remove(folder, { recursive: true });
});
