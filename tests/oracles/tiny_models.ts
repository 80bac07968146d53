/**
 * Writes the tiny models that forward_tiny.py reads, and `models.json`, their list, into a folder.
 *
 *     deno run --allow-write=DIR tests/oracles/tiny_models.ts DIR
 *
 * @module
 */
import { tinyGguf, type TinyGgufOptions } from "../helpers/tiny_gguf.ts";

/** Every encoding, the output head tied and not, and a shape in which no two sizes are equal. */
const MODELS: Readonly<Record<string, TinyGgufOptions>> = {
  f32: { type: "F32", embeddingType: "F32" },
  f16: { type: "F16", embeddingType: "F16", tied: false },
  q8_0: { type: "Q8_0", embeddingType: "Q8_0" },
  q4_0: { type: "Q4_0", embeddingType: "Q8_0", tied: false },
  q4_1: { type: "Q4_1", embeddingType: "Q8_0" },
  odd: {
    seed: 2,
    layers: 3,
    hidden: 96,
    heads: 6,
    kvHeads: 2,
    headDim: 32,
    ffn: 160,
    vocab: 301,
    ropeBase: 100000,
  },
};

const [folder] = Deno.args;
if (folder === undefined) {
  throw new TypeError("Cannot write the tiny models: name a folder");
}
for (const [name, options] of Object.entries(MODELS)) {
  await Deno.writeFile(`${folder}/${name}.gguf`, tinyGguf(options).bytes);
}
await Deno.writeTextFile(`${folder}/models.json`, JSON.stringify(MODELS));
