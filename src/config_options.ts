/**
 * Kinds of options: how the text of a flag or a variable becomes a value.
 *
 * @module
 */

import { splitOnce } from "./config_flags.ts";

/** How a value is written and what it means. */
export interface Option<T> {
  /** What stands for the value in the help. */
  readonly placeholder: string;
  readonly help: string;
  readonly fallback: T;
  /** The fallback in words, where its value says too little. */
  readonly fallbackText?: string;
  /** @throws {RangeError} With what is wrong with `text`. */
  read(text: string): T;
}

/** A whole number in a range. */
export function integer<F extends number | null>(
  least: number,
  most: number,
  option: Omit<Option<F>, "read">,
): Option<number | F> {
  return {
    ...option,
    read(text) {
      const value = Number(text);
      if (!/^\d+$/.test(text) || value < least || value > most) {
        const wanted = `a whole number from ${least} to ${most}`;
        throw new RangeError(`'${text}' is not ${wanted}`);
      }
      return value;
    },
  };
}

/** Any text that is not blank. */
export function text<F extends string | null>(
  option: Omit<Option<F>, "read">,
): Option<string | F> {
  return {
    ...option,
    read(text) {
      if (text.trim() === "") throw new RangeError("it is empty");
      return text;
    },
  };
}

/** One of a few names. */
export function choice<T extends string, F extends NoInfer<T> | null>(
  values: readonly T[],
  option: Omit<Option<F>, "read">,
): Option<T | F> {
  return {
    ...option,
    help: `${option.help}: ${values.join(", ")}`,
    read(text) {
      const value = values.find((name) => name === text);
      if (value !== undefined) return value;
      throw new RangeError(`'${text}' is none of ${values.join(", ")}`);
    },
  };
}

/** Several values with commas between them. */
export function list(
  read: (item: string) => string,
  option: Omit<Option<readonly string[]>, "read">,
): Option<readonly string[]> {
  return {
    ...option,
    read: (text) => text.split(",").map((item) => read(item.trim())),
  };
}

/** How many threads: `auto`, or no more than there are cores. */
export function readThreads(text: string): number | "auto" {
  if (text === "auto") return text;
  const threads = Number(text);
  const cores = navigator.hardwareConcurrency;
  if (!/^\d+$/.test(text) || threads < 1) {
    throw new RangeError(`'${text}' is neither auto nor a whole number from 1`);
  }
  if (threads <= cores) return threads;
  throw new RangeError(
    `${threads} are more than the ${cores} cores of this machine`,
  );
}

/** Names with numbers, as in `decay=0.9,share=0.3`. */
export function readNumbers(text: string): Readonly<Record<string, number>> {
  const pairs = text.split(",").map((item) => {
    const [name, value = ""] = splitOnce(item.trim(), "=");
    if (name && /^-?\d+(\.\d+)?$/.test(value)) return [name, Number(value)];
    throw new RangeError(`'${item}' is no name with a number, as in decay=0.9`);
  });
  return Object.fromEntries(pairs);
}

/** A key that fits into a header. */
export function readKey(key: string): string {
  // The key itself is a secret: it is not repeated.
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new RangeError("a key is empty or has characters past ASCII");
}

/** The origin of a web page, or `*` for all. */
export function readOrigin(origin: string): string {
  if (origin === "*" || URL.parse(origin)?.origin === origin) return origin;
  const example = "https://example.org";
  throw new RangeError(`'${origin}' is no origin such as ${example}, nor *`);
}
