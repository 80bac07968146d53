/**
 * The numbers by which a method can be adjusted.
 *
 * @module
 */

/** A number that a user may set. */
export interface MethodOption {
  /** What it does, and what more or less of it means. */
  readonly summary: string;
  /** Null: as learned with the model's parts, or what is right without them. */
  readonly fallback: number | null;
  readonly least: number;
  readonly most: number;
  /** Which numbers of the range are valid; default: all of them. */
  readonly kind?: "whole" | "odd";
}

/** Options by name. */
export type OptionTable = Readonly<Record<string, MethodOption>>;

/** Values by name; what is missing has its fallback, if it has one. */
export type OptionValues = Readonly<Record<string, number>>;

/**
 * Checks values against a method's options and fills in the others.
 *
 * @param field What to call the options in a message, e.g. `kv.options`.
 * @throws {RangeError} If an option is unknown or out of its range; the message names it and what is valid.
 */
export function readOptions(
  table: OptionTable,
  values: OptionValues,
  field: string,
): OptionValues {
  for (const [name, value] of Object.entries(values)) {
    const option = Object.hasOwn(table, name) ? table[name] : null;
    if (!option) {
      const known = Object.keys(table).join(", ") || "none";
      throw new RangeError(
        `Cannot use ${field}.${name}: the method's options are: ${known}`,
      );
    }
    if (!isValid(option, value)) {
      throw new RangeError(
        `Cannot use ${field}.${name} ${value}: expected ${describe(option)}`,
      );
    }
  }
  const fallbacks = Object.entries(table).flatMap(([name, { fallback }]) =>
    fallback === null ? [] : [[name, fallback] as const]
  );
  return { ...Object.fromEntries(fallbacks), ...values };
}

function isValid({ least, most, kind }: MethodOption, value: number): boolean {
  if (!(value >= least && value <= most)) return false;
  if (kind === "odd") return value % 2 === 1;
  return kind !== "whole" || Number.isInteger(value);
}

/** The valid numbers, e.g. `an odd number from 1 to 63`. */
export function describe({ least, most, kind }: MethodOption): string {
  const what = { whole: "a whole number", odd: "an odd number" };
  return `${kind ? what[kind] : "a number"} from ${least} to ${most}`;
}

/** Width of a pooling. */
export const POOL: MethodOption = {
  summary:
    "Neighbours that share a slot's worth: wider keeps phrases together and wastes slots.",
  fallback: 7,
  least: 1,
  most: 63,
  kind: "odd",
};
