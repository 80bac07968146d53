/**
 * Characters out of the bytes of tokens, which may end in the middle of one.
 *
 * @module
 */

/**
 * Joins byte strings into text, whole characters only. Bytes that are not UTF-8 become U+FFFD, exactly
 * as `TextDecoder` would make of all the bytes at once.
 */
export class Utf8Stream {
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** The first bytes of a character whose last are still to come, at most 3. */
  #tail = new Uint8Array(0);

  /** Whether the bytes so far end inside a character. */
  get partial(): boolean {
    return this.#tail.length > 0;
  }

  /** Takes the next bytes; gives the characters that are complete now. */
  push(bytes: Uint8Array): string {
    const joined = this.#tail.length > 0 ? concat(this.#tail, bytes) : bytes;
    const whole = joined.length - incompleteTail(joined);
    this.#tail = joined.slice(whole);
    return this.#decoder.decode(joined.subarray(0, whole));
  }

  /** Ends the text: what is left of an incomplete character becomes U+FFFD. */
  flush(): string {
    const text = this.#decoder.decode(this.#tail);
    this.#tail = new Uint8Array(0);
    return text;
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** How many bytes at the end start a character that more bytes could complete: 0 to 3. */
function incompleteTail(bytes: Uint8Array): number {
  for (let size = 1; size <= 3 && size <= bytes.length; size++) {
    const lead = bytes[bytes.length - size];
    if (isContinuation(lead)) continue;
    if (sequenceLength(lead) <= size) return 0;
    const second = bytes[bytes.length - size + 1];
    return size > 1 && !canFollow(lead, second) ? 0 : size;
  }
  return 0;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Bytes of the character that `lead` starts; 1 for what starts none. */
function sequenceLength(lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return 1;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/** Overlong forms, surrogates and what lies past U+10FFFF show in the second byte (WHATWG Encoding, 8.1.1). */
function canFollow(lead: number, second: number): boolean {
  if (lead === 0xe0) return second >= 0xa0;
  if (lead === 0xed) return second <= 0x9f;
  if (lead === 0xf0) return second >= 0x90;
  if (lead === 0xf4) return second <= 0x8f;
  return true;
}
