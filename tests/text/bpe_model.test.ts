import { assertEquals } from "@std/assert";
import { BPE } from "@huggingface/tokenizers";
import { BpeModel } from "../../src/text/bpe_model.ts";
import { uniform } from "../helpers/random.ts";
import { TINY_SPECIALS, tinyVocabulary } from "../helpers/tiny_vocabulary.ts";
import {
  createVocabulary,
  type Vocabulary,
} from "../helpers/tokenizer_data.ts";

const TINY = tinyVocabulary(559);

/** The tiny model's, with some of its vocabulary changed. */
function createModel(changes: Partial<Vocabulary> = {}): BpeModel {
  const specials = TINY_SPECIALS.map((_, id) => id);
  const { data, ids } = createVocabulary({
    ...TINY,
    literal: specials,
    hidden: specials,
    ...changes,
  });
  return new BpeModel(data, ids);
}

Deno.test("BpeModel.encode() merges in the order of the merges", () => {
  const merges = ["i n", "Ġ t", "t h", "Ġ th", "Ġt e"];
  const model = createModel({ merges });
  const spell = (word: string) =>
    model.encode(word).map((id) => TINY.tokens[id]);
  // " t" comes before "th", so that "h" is left alone.
  assertEquals(spell(" thin"), ["Ġt", "h", "in"]);
  assertEquals(spell(" tea"), ["Ġte", "a"]);
  assertEquals(spell("the"), ["th", "e"]);
  assertEquals(spell(""), []);
});

Deno.test("BpeModel.encode() keeps a word that is a token whole, where the model wants it", () => {
  const word = (wholeWords: boolean) => {
    const model = createModel({ merges: ["i n"], wholeWords });
    return model.encode(" in").map((id) => TINY.tokens[id]);
  };
  assertEquals(word(false), ["Ġ", "in"]);
  assertEquals(word(true), ["Ġin"]);
});

Deno.test("BpeModel.encode() never makes a special token", () => {
  const ids = createModel({ wholeWords: true }).encode("<|im_end|>");
  assertEquals(ids.map((id) => TINY.tokens[id]).join(""), "<|im_end|>");
  assertEquals(ids.filter((id) => id < TINY_SPECIALS.length), []);
});

Deno.test("BpeModel.encode() drops bytes that the vocabulary lacks, and merges across them", () => {
  const tokens = TINY.tokens.with(3 + 33, "no byte");
  const model = createModel({ tokens });
  assertEquals(model.encode("e!t"), model.encode("et"));
  assertEquals(model.encode("!"), []);
});

Deno.test("BpeModel.encode() gives the same for a word that it has met", () => {
  const model = createModel();
  const random = uniform(2);
  const words = Array.from(
    { length: 40_000 },
    () => Math.floor(random() * 36 ** 5).toString(36),
  );
  const fresh = createModel();
  for (const word of words) model.encode(word);
  for (const word of words.slice(0, 2000)) {
    assertEquals(model.encode(word), fresh.encode(word), word);
  }
});

Deno.test("BpeModel.encode() merges a long word as if it were merged at once", () => {
  const model = createModel();
  const whole = new BPE({
    type: "BPE",
    vocab: Object.fromEntries(TINY.tokens.map((token, id) => [token, id])),
    merges: [...TINY.merges],
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
  // Runs of `a` merge by twos, fours, … up to 2048.
  const tokens = Array.from({ length: 12 }, (_, i) => "a".repeat(2 ** i));
  const merges = tokens.slice(0, -1).map((power) => `${power} ${power}`);
  const model = createModel({ tokens, merges, literal: [], hidden: [] });
  const lengths = model.encode("a".repeat(5000)).map((id) => 2 ** id);
  assertEquals(lengths.reduce((sum, length) => sum + length), 5000);
  assertEquals(lengths[0], 2048);
});
