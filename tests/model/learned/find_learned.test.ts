import { assertEquals, assertRejects } from "@std/assert";
import { ModelError } from "../../../src/engine/errors.ts";
import { readGguf } from "../../../src/model/gguf.ts";
import {
  findLearned,
  type LearnedIndex,
} from "../../../src/model/learned/find_learned.ts";
import { learnedFile } from "../../helpers/learned_file.ts";
import { writeTinyGguf } from "../../helpers/tiny_gguf.ts";

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** A tiny model, a file of learned parts for it beside it, and an index of that file. */
async function withFiles(
  use: (
    find: (
      choice: string | null,
      index?: LearnedIndex,
    ) => ReturnType<typeof findLearned>,
    path: string,
    index: LearnedIndex,
  ) => Promise<void>,
): Promise<void> {
  const { path: modelPath, folder, bytes, config } = await writeTinyGguf();
  try {
    const model = await sha256(bytes);
    const parts = learnedFile(config, model);
    await Deno.writeFile(`${folder}/tiny.safetensors`, parts);
    const index = {
      [model]: {
        file: "tiny.safetensors",
        sha256: await sha256(parts),
        model_bytes: bytes.length,
      },
    };
    const file = readGguf(modelPath);
    const url = new URL(`file://${folder}/`);
    await use(
      (choice, known = index) => findLearned(choice, file, known, url),
      `${folder}/tiny.safetensors`,
      index,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("findLearned() finds parts by the sum of the model's file", async () => {
  await withFiles(async (find, _, index) => {
    const [{ sha256 }] = Object.values(index);
    const parts = await find(null);
    assertEquals([parts?.name, parts?.sha256], ["tiny.safetensors", sha256]);
    assertEquals(parts?.far, 64);
  });
});

Deno.test("findLearned() finds none for models that are not in the index, of whatever size, and none when off", async () => {
  await withFiles(async (find, _, index) => {
    const [entry] = Object.values(index);
    assertEquals(await find(null, {}), null);
    assertEquals(await find(null, { abc: entry }), null);
    assertEquals(await find(null, { abc: { ...entry, model_bytes: 1 } }), null);
    assertEquals(await find("off"), null);
  });
});

Deno.test("findLearned() takes the user's own file, which no index knows", async () => {
  await withFiles(async (find, path) => {
    const parts = await find(path, {});
    assertEquals([parts?.name, parts?.far], [path, 64]);
  });
});

Deno.test("findLearned() refuses an altered file by its sum, and a damaged or foreign one by what is wrong", async () => {
  await withFiles(async (find, path) => {
    const refuse = (choice: string | null, message: string) =>
      assertRejects(() => find(choice), ModelError, message);
    const whole = await Deno.readFile(path);
    const altered = whole.slice();
    altered[altered.length - 2] ^= 1;
    await Deno.writeFile(path, altered);
    await refuse(
      null,
      "Cannot load the learned parts tiny.safetensors: its SHA-256 is",
    );
    await Deno.writeFile(path, whole.subarray(0, whole.length - 4));
    await refuse(null, "it has been altered");
    await refuse(path, "goes past the end: the file is cut off");
    const { config } = readGguf(path.replace("safetensors", "gguf"));
    await Deno.writeFile(path, learnedFile(config, "another"));
    await refuse(
      path,
      "it was trained for the model with SHA-256 another, this one has",
    );
    await Deno.remove(path);
    await refuse(path, "there is no such file");
    await refuse(null, "Cannot load the learned parts tiny.safetensors");
  });
});
