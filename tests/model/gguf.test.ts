import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertThrows,
} from "@std/assert";
import { ModelError } from "../../src/engine/errors.ts";
import { type GgufFile, readGguf } from "../../src/model/gguf.ts";
import { uniform } from "../helpers/random.ts";
import { tinyGguf, writeTinyGguf } from "../helpers/tiny_gguf.ts";

/** Runs `use` with the path of a file that holds `bytes`. */
async function withFile<T>(
  bytes: Uint8Array,
  use: (path: string) => T | Promise<T>,
): Promise<T> {
  const path = await Deno.makeTempFile({ suffix: ".gguf" });
  try {
    await Deno.writeFile(path, bytes);
    return await use(path);
  } finally {
    await Deno.remove(path);
  }
}

/** Every offset at which a field of the header starts or ends, and its neighbours. */
function headerOffsets(bytes: Uint8Array): number[] {
  const offsets = new Set<number>(Array.from({ length: 64 }, (_, i) => i));
  const text = new TextDecoder("latin1").decode(bytes);
  for (
    const match of text.matchAll(/(general|llama|tokenizer|blk|output)\./g)
  ) {
    const end = text.slice(match.index).search(/[^a-z0-9_.]/) + match.index;
    for (const at of [match.index - 8, match.index, end, end + 4, end + 12]) {
      for (const near of [at - 1, at, at + 1]) offsets.add(near);
    }
  }
  return [...offsets].filter((at) => at >= 0 && at < bytes.length);
}

/** What comes of reading damaged bytes; anything but a parse or a {@link ModelError} fails. */
async function readDamaged(
  bytes: Uint8Array,
  damage: string,
): Promise<GgufFile | ModelError> {
  return await withFile(bytes, (path) => {
    try {
      return readGguf(path);
    } catch (error) {
      assertInstanceOf(error, ModelError, `${damage}: ${error}`);
      assert(error.message.startsWith(`Cannot load ${path}: `), error.message);
      return error;
    }
  });
}

Deno.test("readGguf() gives shape and metadata of a model", async () => {
  for (const type of ["F32", "F16", "Q8_0", "Q4_0", "Q4_1"] as const) {
    const tiny = tinyGguf({ type, embeddingType: type });
    const file = await withFile(tiny.bytes, readGguf);
    assertEquals(file.config, tiny.config);
    assertEquals(file.metadata.get("tokenizer.ggml.pre"), "smollm");
    assertEquals(file.arrays.get("tokenizer.ggml.tokens")?.length, 320);
    assertEquals(file.metadata.has("tokenizer.ggml.tokens"), false);
    assertEquals(file.tensors.get("blk.1.attn_k.weight")?.type, type);
  }
});

Deno.test("readGguf() says where the values of each tensor are", async () => {
  const tiny = tinyGguf({ type: "F32", embeddingType: "F32", tied: false });
  const file = await withFile(tiny.bytes, readGguf);
  assertEquals([...file.tensors.keys()].sort(), [...tiny.values.keys()].sort());
  for (const [name, values] of tiny.values) {
    const { offset, byteLength, rows, columns } = file.tensors.get(name)!;
    const bytes = tiny.bytes.slice(offset, offset + byteLength);
    assertEquals(new Float32Array(bytes.buffer), values, name);
    assertEquals(rows * columns, values.length);
  }
});

Deno.test("readGguf() takes every option of a shape", async () => {
  for (
    const options of [
      { layers: 1, heads: 2, kvHeads: 1, headDim: 32 },
      { hidden: 32, heads: 1, kvHeads: 1, ffn: 32, layers: 3 },
      { headDim: 8, contextLength: 4096, ropeBase: 1e6, tied: false },
    ]
  ) {
    const tiny = tinyGguf(options);
    const file = await withFile(tiny.bytes, readGguf);
    assertEquals(file.config, tiny.config);
  }
});

Deno.test("readGguf() says how many bytes a truncated file lacks", async () => {
  const { bytes } = tinyGguf();
  const message = await withFile(
    bytes.subarray(0, bytes.length - 4000),
    (path) => {
      const error = assertThrows(() => readGguf(path), ModelError);
      return error.message.replace(path, "X");
    },
  );
  assertEquals(
    message,
    "Cannot load X: 4000 bytes are missing at its end, " +
      "where tensor blk.1.ffn_down.weight is",
  );
});

Deno.test("readGguf() gives a ModelError wherever the header ends", async () => {
  const { bytes } = tinyGguf({ layers: 1 });
  for (const end of headerOffsets(bytes)) {
    const result = await readDamaged(bytes.subarray(0, end), `end ${end}`);
    assertInstanceOf(result, ModelError, `end ${end}`);
  }
});

Deno.test("readGguf() parses or gives a ModelError whatever bit is flipped", async () => {
  const { bytes } = tinyGguf({ layers: 1, vocab: 260 });
  const random = uniform(3);
  let refused = 0;
  for (const at of headerOffsets(bytes)) {
    // The lowest and the highest bit, and one between.
    for (const bit of [0, 7, 1 + Math.floor(random() * 6)]) {
      const damaged = bytes.slice();
      damaged[at] ^= 1 << bit;
      const result = await readDamaged(damaged, `byte ${at}, bit ${bit}`);
      if (result instanceof ModelError) refused++;
    }
  }
  assertGreater(refused, 500);
});

Deno.test("readGguf() does not believe a length that the file cannot hold", async () => {
  const { bytes } = tinyGguf();
  const key = "tokenizer.ggml.tokens";
  const at = new TextDecoder("latin1").decode(bytes).indexOf(key) +
    key.length + 8;
  for (const length of [2n ** 40n, 2n ** 63n, 2n ** 64n - 1n, 100_000n]) {
    const damaged = bytes.slice();
    new DataView(damaged.buffer).setBigUint64(at, length, true);
    const result = await readDamaged(damaged, `${length} elements`);
    assertInstanceOf(result, ModelError);
  }
});

Deno.test("readGguf() says what cannot be read", async () => {
  const { path, folder } = await writeTinyGguf();
  try {
    for (
      const [target, why] of [
        [`${folder}/none.gguf`, "there is no such file"],
        [folder, "it is no file"],
        [`${path}/x`, "Not a directory"],
      ]
    ) {
      assertThrows(
        () => readGguf(target),
        ModelError,
        `Cannot load ${target}: ${why}`,
      );
    }
    await Deno.writeTextFile(path, "# Not a model, but long enough for one.");
    assertThrows(
      () => readGguf(path),
      ModelError,
      `Cannot load ${path}: it is no GGUF file`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "readGguf() says when it may not read the file",
  permissions: { read: false },
  fn: () => {
    assertThrows(
      () => readGguf("/model.gguf"),
      ModelError,
      "Cannot load /model.gguf: there is no permission to read it",
    );
  },
});
