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

/** [character code]: the byte of each letter, and -1 for other characters. */
const BYTES = (() => {
  const bytes = new Int16Array(0x144).fill(-1);
  BYTE_TO_LETTER.forEach((letter, byte) => bytes[letter.charCodeAt(0)] = byte);
  return bytes;
})();

/**
 * The bytes that a text in letters stands for.
 *
 * @param into Where they are written to, if there is room for all.
 * @returns How many they are; -1 if something in the text is no letter.
 */
export function spelledBytes(text: string, into: Uint8Array): number {
  for (let i = 0; i < text.length; i++) {
    const byte = BYTES[text.charCodeAt(i)] ?? -1;
    if (byte < 0) return -1;
    into[i] = byte;
  }
  return text.length;
}

/**
 * The same for a text in UTF-8, where a letter takes one byte or two.
 *
 * @param text Holds it from `start` to `end`.
 * @param into Receives the bytes from `at` on; it has room for as many as the text takes.
 */
export function spelledBytesOfUtf8(
  text: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
  at: number,
): number {
  let to = at;
  for (let i = start; i < end; i++) {
    let code = text[i];
    if (code >= 0x80) {
      const isPair = code >>> 5 === 0b110 && i + 1 < end &&
        text[i + 1] >>> 6 === 0b10;
      if (!isPair) return -1;
      code = (code & 0x1f) << 6 | text[++i] & 0x3f;
      // What fits into one byte is not to be written in two.
      if (code < 0x80) return -1;
    }
    const byte = BYTES[code] ?? -1;
    if (byte < 0) return -1;
    into[to++] = byte;
  }
  return to - at;
}
