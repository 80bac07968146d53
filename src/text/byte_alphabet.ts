/**
 * The alphabet in which byte-level BPE spells bytes: each is a printable character, so that tokens are text. GPT-2
 * defined it.
 *
 * @module
 */

/** The character that stands for each byte. */
export const BYTE_TO_LETTER: readonly string[] = (() => {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) ||
      (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : next++);
  });
})();

/** The byte of each character of the alphabet. */
export const LETTER_TO_BYTE: ReadonlyMap<string, number> = new Map(
  BYTE_TO_LETTER.map((letter, byte) => [letter, byte]),
);
