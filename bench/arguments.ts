/**
 * The options of a bench.
 *
 * @module
 */

/** What an option may be: one of some names, a whole number, or any text; and what it is when it is not given. */
type Options = Readonly<Record<string, readonly string[] | number | null>>;

/** The values: of names, the first is the default. */
type Values<T extends Options> = {
  readonly [K in keyof T]: T[K] extends readonly (infer N)[] ? N
    : T[K] extends number ? number
    : string | null;
};

/**
 * Reads `--name value` pairs.
 *
 * @throws {TypeError} If an option is unknown or wrong.
 */
export function readOptions<const T extends Options>(
  args: readonly string[],
  options: T,
): Values<T> {
  const values: Record<string, string | number | null> = {};
  for (const [name, known] of Object.entries(options)) {
    values[name] = Array.isArray(known) ? known[0] : known as number | null;
  }
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i].replace(/^--/, "");
    if (!Object.hasOwn(options, name) || args[i + 1] === undefined) {
      throw new TypeError(`Cannot read ${args[i]}: see --help`);
    }
    values[name] = readValue(options[name], args[i + 1]);
  }
  return values as Values<T>;
}

function readValue(known: Options[string], text: string): string | number {
  if (known === null) return text;
  if (typeof known === "number") {
    if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
    throw new TypeError(`Cannot read ${text}: expected a whole number`);
  }
  if (known.includes(text)) return text;
  throw new TypeError(`Cannot read ${text}: expected one of ${known}`);
}
