import { assertEquals, assertThrows } from "@std/assert";
import { ModelError } from "../../src/engine/errors.ts";
import { readIntegers, readTexts } from "../../src/model/gguf_arrays.ts";
import { type GgufFile, readGguf } from "../../src/model/gguf.ts";
import type { GgufValue } from "../helpers/gguf_writer.ts";
import { writeTinyGguf } from "../helpers/tiny_gguf.ts";

/** Runs `use` with a tiny model that has more metadata. */
async function withModel(
  metadata: Readonly<Record<string, GgufValue>>,
  use: (file: GgufFile) => void,
): Promise<void> {
  const { path, folder } = await writeTinyGguf({ metadata });
  try {
    use(readGguf(path));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("readTexts() gives the texts of an array", async () => {
  const strings = ["", "a", "Ġ the", "日本語", "👩‍👩‍👧", "\ufeffmark", "\0"];
  await withModel(
    { "x.strings": { strings }, "x.none": { strings: [] } },
    (file) => {
      const texts = readTexts(file, "x.strings");
      assertEquals(texts.length, strings.length);
      assertEquals(strings.map((_, i) => texts.at(i)), strings);
      assertEquals(readTexts(file, "x.none").length, 0);
      assertEquals(readTexts(file, "x.missing").length, 0);
    },
  );
});

Deno.test("readIntegers() gives the numbers of an array", async () => {
  const i32s = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)];
  await withModel({ "x.numbers": { i32s } }, (file) => {
    assertEquals([...readIntegers(file, "x.numbers")!], i32s);
    assertEquals(readIntegers(file, "x.missing"), null);
  });
});

Deno.test("readTexts() and readIntegers() refuse an array of another type", async () => {
  await withModel({ a: { i32s: [1] }, b: { strings: ["x"] } }, (file) => {
    const why = "is an array of another type";
    assertThrows(() => readTexts(file, "a"), ModelError, `a ${why}`);
    assertThrows(() => readIntegers(file, "b"), ModelError, `b ${why}`);
  });
});

Deno.test("TextArray.at() refuses what is not UTF-8", async () => {
  const { path, folder, bytes } = await writeTinyGguf();
  const text = new TextDecoder("latin1").decode(bytes);
  bytes[text.indexOf("<|im_start|>")] = 0xff;
  await Deno.writeFile(path, bytes);
  const file = readGguf(path);
  assertThrows(
    () => readTexts(file, "tokenizer.ggml.tokens").at(1),
    ModelError,
    `Cannot load ${path}: element 1 of tokenizer.ggml.tokens is not UTF-8`,
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("readTexts() says when the file has shrunk since it was checked", async () => {
  await withModel({}, (file) => {
    Deno.truncateSync(file.path, 3000);
    assertThrows(
      () => readTexts(file, "tokenizer.ggml.tokens"),
      ModelError,
      `Cannot load ${file.path}: tokenizer.ggml.tokens is cut off`,
    );
  });
});
