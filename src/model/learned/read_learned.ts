/**
 * From the bytes of a file to learned parts that fit a model.
 *
 * @module
 */
import type { ErrorCurves } from "../../cache/budget/curves.ts";
import type { Corrections } from "../../cache/corrections.ts";
import type { LearnedParts } from "../../cache/learned_parts.ts";
import { type AbsorbWeights, GATE_FEATURES } from "../../cache/fuse/absorb.ts";
import type { LococoWeights } from "../../cache/fuse/lococo.ts";
import type { ForesightWeights } from "../../cache/score/foresight.ts";
import type { ModelConfig } from "../config.ts";
import { Safetensors } from "./safetensors.ts";

/** What a file of this version calls itself. */
const FORMAT = "locoloop-learned/1";

/** Where the parts come from and what they must fit. */
export interface LearnedOrigin {
  readonly name: string;
  /** Of the file. */
  readonly sha256: string;
  /** Of the model's file. */
  readonly modelSha256: string;
  readonly config: ModelConfig;
}

/**
 * Reads learned parts. A group of arrays (`score.`, `budget.`, `fusion.`, …) may be missing, but only as a whole.
 *
 * @throws {SyntaxError | TypeError | RangeError} If the file is damaged, of another format or for another model; the message
 * names the array, and what was expected.
 */
export function readLearned(
  bytes: Uint8Array,
  { name, sha256, modelSha256, config }: LearnedOrigin,
): LearnedParts {
  const file = new Safetensors(bytes);
  const { format = "none", model_sha256: trainedFor = "none" } = file.metadata;
  if (format !== FORMAT) {
    throw new TypeError(`its format is ${format}, expected ${FORMAT}`);
  }
  if (trainedFor !== modelSha256) {
    throw new RangeError(
      `it was trained for the model with SHA-256 ${trainedFor}, this one has ${modelSha256}`,
    );
  }
  const reader = new PartReader(file);
  return {
    name,
    sha256,
    score: readScore(reader, config),
    budgets: readBudgets(reader, config),
    corrections: readCorrections(reader, config),
    absorb: readAbsorb(reader, config),
    lococo: readLococo(reader, config),
    far: reader.number("far", 0, 1_048_576),
  };
}

function readScore(
  reader: PartReader,
  { layers, kvHeads, headDim }: ModelConfig,
): ForesightWeights | null {
  if (!reader.hasGroup("score")) return null;
  const shape = [layers, kvHeads, headDim + 5];
  return {
    text: reader.array("score.text", shape),
    chat: reader.array("score.chat", shape),
    share: reader.number("share", 0, 1),
    pool: reader.width("pool", 63),
  };
}

function readBudgets(
  reader: PartReader,
  { layers, kvHeads }: ModelConfig,
): ErrorCurves | null {
  if (!reader.hasGroup("budget")) return null;
  const sizes = [...reader.array("budget.sizes", [null])];
  const count = sizes.length;
  const all = reader.array("budget.error", [layers, kvHeads, count]);
  const rises = (n: number, i: number) => n > (sizes[i - 1] ?? 0);
  if (count < 2 || !sizes.every(rises)) {
    throw new RangeError(
      "budget.sizes are not two or more ascending numbers of slots",
    );
  }
  const errors = Array.from(
    { length: layers * kvHeads },
    (_, unit) => [...all.subarray(unit * count, (unit + 1) * count)],
  );
  const falls = (row: number[]) =>
    row.every((e, i) => e > 0 && e <= (row[i - 1] ?? Infinity));
  const odd = errors.findIndex((row) => !falls(row));
  if (odd >= 0) {
    throw new RangeError(
      `budget.error of head ${odd} is not above 0 and falling`,
    );
  }
  return { sizes, errors };
}

function readCorrections(
  reader: PartReader,
  { layers, heads, headDim }: ModelConfig,
): Corrections | null {
  if (!reader.hasGroup("correction")) return null;
  const byHead = (name: string) =>
    reader.array(`correction.${name}`, [layers, heads]);
  const byValue = (name: string) =>
    reader.array(`correction.${name}`, [layers, heads * headDim]);
  return {
    stretch: byHead("tp"),
    sink: byHead("sb"),
    chosen: byHead("hb"),
    gain: byValue("od"),
    offset: byValue("oc"),
  };
}

function readAbsorb(
  reader: PartReader,
  { layers, kvHeads }: ModelConfig,
): AbsorbWeights | null {
  if (!reader.hasGroup("fusion")) return null;
  return {
    gate: reader.array("fusion.gate", [layers, kvHeads, GATE_FEATURES]),
    pool: reader.width("pool", 63),
  };
}

function readLococo(
  reader: PartReader,
  { layers, headDim }: ModelConfig,
): LococoWeights | null {
  if (!reader.hasGroup("lococo")) return null;
  const [, rows = 0, , taps = 0] = reader.shape("lococo.weight");
  const width = headDim * 2;
  const all = reader.array("lococo.weight", [layers, null, width, null]);
  const biases = reader.array("lococo.bias", [layers, rows]);
  const blend = reader.array("lococo.lambda", [layers]);
  if (rows === 0 || taps % 2 === 0) {
    throw new RangeError(
      `lococo.weight has ${rows} rows and ${taps} taps, expected some and an odd number`,
    );
  }
  const odd = blend.find((share) => share < 0 || share > 1);
  if (odd !== undefined) {
    throw new RangeError(
      `lococo.lambda holds ${odd}, expected numbers from 0 to 1`,
    );
  }
  const size = rows * width * taps;
  const convolutions = Array.from({ length: layers }, (_, layer) => ({
    rows,
    taps,
    weight: tapsFirst(
      all.subarray(layer * size, (layer + 1) * size),
      taps,
      width,
    ),
    bias: biases.subarray(layer * rows, (layer + 1) * rows),
  }));
  return { convolutions, blend };
}

/** From [rows, width, taps], as Conv1d holds its weights, to [rows, taps, width]. */
function tapsFirst(
  values: Float32Array,
  taps: number,
  width: number,
): Float32Array {
  const size = taps * width;
  return values.map((_, i) => {
    const row = Math.floor(i / size), tap = Math.floor(i % size / width);
    return values[row * size + i % width * taps + tap];
  });
}

/** Checks whatever it reads. */
class PartReader {
  readonly #file: Safetensors;

  constructor(file: Safetensors) {
    this.#file = file;
  }

  /** Whether there is any array of the group. */
  hasGroup(group: string): boolean {
    return this.#file.names.some((name) => name.startsWith(`${group}.`));
  }

  /** Sizes of an array; empty where there is none. */
  shape(name: string): readonly number[] {
    return this.#file.shape(name) ?? [];
  }

  /**
   * @param expected Sizes; null where any will do.
   * @throws {TypeError | RangeError} If the array is missing, has other sizes, or values that are no numbers.
   */
  array(
    name: string,
    expected: readonly (number | null)[],
  ): Float32Array<ArrayBuffer> {
    const values = this.#file.floats(name);
    const shape = this.shape(name);
    const fits = shape.length === expected.length &&
      expected.every((size, i) => size === null || size === shape[i]);
    if (!fits) {
      const wanted = expected.map((size) => size ?? "any").join(", ");
      throw new RangeError(
        `${name} is [${shape.join(", ")}], expected [${wanted}]`,
      );
    }
    const odd = values.findIndex((value) => !Number.isFinite(value));
    if (odd < 0) return values;
    throw new RangeError(`${name} holds ${values[odd]}, expected numbers`);
  }

  /** @throws {RangeError} If the note is no number in the range. */
  number(name: string, least: number, most: number): number {
    const text = this.#file.metadata[name] ?? "";
    const value = text.trim() === "" ? NaN : Number(text);
    if (value >= least && value <= most) return value;
    throw new RangeError(
      `its ${name} is '${text}', expected a number from ${least} to ${most}`,
    );
  }

  /**
   * Of what has a middle.
   *
   * @throws {RangeError} If the note is no odd number from 1 to `most`.
   */
  width(name: string, most: number): number {
    const value = this.number(name, 1, most);
    if (value % 2 === 1) return value;
    throw new RangeError(`its ${name} is '${value}', expected an odd number`);
  }
}
