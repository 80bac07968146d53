import { assertEquals } from "@std/assert";
import { BPE } from "@huggingface/tokenizers";
import type { TokenizerData } from "../../src/model/tokenizer_data.ts";
import { BpeModel } from "../../src/text/bpe_model.ts";
import { TINY_SPECIALS, tinyVocabulary } from "../helpers/tiny_vocabulary.ts";
import { uniform } from "../helpers/random.ts";

/** The vocabulary of the tiny model. */
function tinyData(changes: Partial<TokenizerData> = {}): TokenizerData {
  return {
    ...tinyVocabulary(559),
    path: "tiny",
    pre: "smollm",
    wholeWords: false,
    bos: null,
    ends: [],
    ...changes,
  };
}

/** A vocabulary in which runs of `a` merge by twos, fours, … up to 2048. */
function powersData(): TokenizerData {
  const powers = Array.from({ length: 12 }, (_, i) => "a".repeat(2 ** i));
  return tinyData({
    tokens: powers,
    merges: powers.slice(0, -1).map((power) => `${power} ${power}`),
  });
}

Deno.test("BpeModel.encode() merges in the order of the merges", () => {
  const data = tinyData({ merges: ["i n", "Ġ t", "t h", "Ġ th", "Ġt e"] });
  const model = new BpeModel(data, TINY_SPECIALS);
  const spell = (word: string) =>
    model.encode(word).map((id) => data.tokens[id]);
  // " t" comes before "th", so that "h" is left alone.
  assertEquals(spell(" thin"), ["Ġt", "h", "in"]);
  assertEquals(spell(" tea"), ["Ġte", "a"]);
  assertEquals(spell("the"), ["th", "e"]);
  assertEquals(spell(""), []);
});

Deno.test("BpeModel.encode() keeps a word that is a token whole, where the model wants it", () => {
  const word = (wholeWords: boolean) => {
    const data = tinyData({ merges: ["i n"], wholeWords });
    return new BpeModel(data, TINY_SPECIALS).encode(" in")
      .map((id) => data.tokens[id]);
  };
  assertEquals(word(false), ["Ġ", "in"]);
  assertEquals(word(true), ["Ġin"]);
});

Deno.test("BpeModel.encode() never makes a special token", () => {
  const data = tinyData({ wholeWords: true });
  const ids = new BpeModel(data, TINY_SPECIALS).encode("<|im_end|>");
  assertEquals(ids.map((id) => data.tokens[id]).join(""), "<|im_end|>");
  assertEquals(ids.filter((id) => id < TINY_SPECIALS.length), []);
});

Deno.test("BpeModel.encode() drops bytes that the vocabulary lacks, and merges across them", () => {
  const data = tinyData();
  const lacking = { ...data, tokens: data.tokens.with(3 + 33, "no byte") };
  const model = new BpeModel(lacking, TINY_SPECIALS);
  assertEquals(model.encode("e!t"), model.encode("et"));
  assertEquals(model.encode("!"), []);
});

Deno.test("BpeModel.encode() gives the same for a word that it has met", () => {
  const model = new BpeModel(tinyData(), TINY_SPECIALS);
  const random = uniform(2);
  const words = Array.from(
    { length: 40_000 },
    () => Math.floor(random() * 36 ** 5).toString(36),
  );
  const fresh = new BpeModel(tinyData(), TINY_SPECIALS);
  for (const word of words) model.encode(word);
  for (const word of words.slice(0, 2000)) {
    assertEquals(model.encode(word), fresh.encode(word), word);
  }
});

Deno.test("BpeModel.encode() merges a long word as if it were merged at once", () => {
  const data = tinyData();
  const model = new BpeModel(data, TINY_SPECIALS);
  const whole = new BPE({
    type: "BPE",
    vocab: Object.fromEntries(data.tokens.map((token, id) => [token, id])),
    merges: [...data.merges],
    ignore_merges: false,
  });
  const random = uniform(9);
  for (const letters of ["etaoinshrdlu", "et", "nnoott", "etx"]) {
    for (const length of [2047, 2048, 2049, 3000, 20_000]) {
      const word = Array.from(
        { length },
        () => letters[Math.floor(random() * letters.length)],
      ).join("");
      const expected = whole.encode([word]).map((token) =>
        whole.tokens_to_ids.get(token)!
      );
      assertEquals(model.encode(word), expected, `${length} of ${letters}`);
    }
  }
});

Deno.test("BpeModel.encode() gets on with tokens as long as its window", () => {
  const model = new BpeModel(powersData(), []);
  const lengths = model.encode("a".repeat(5000)).map((id) => 2 ** id);
  assertEquals(lengths.reduce((sum, length) => sum + length), 5000);
  assertEquals(lengths[0], 2048);
});
