import { TextArray } from "../../src/model/text_array.ts";

/** The array as a model file would hold it. */
export function textArray(texts: readonly string[]): TextArray {
  const encoded = texts.map((text) => new TextEncoder().encode(text));
  const size = encoded.reduce((sum, { length }) => sum + 8 + length, 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const text of encoded) {
    view.setBigUint64(at, BigInt(text.length), true);
    bytes.set(text, at + 8);
    at += 8 + text.length;
  }
  return new TextArray(bytes, texts.length, (i) => new Error(`text ${i}`));
}
