/**
 * Files of learned parts with made-up values.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { GATE_FEATURES } from "../../src/cache/fuse/absorb.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { madeUpParts } from "./learned.ts";
import { encodeSafetensors, type TensorValues } from "./safetensors_writer.ts";
import { tinyGguf } from "./tiny_gguf.ts";

/** What of a file is to be different; null takes it away. */
export interface LearnedChanges {
  readonly metadata?: Readonly<Record<string, string | null>>;
  readonly tensors?: Readonly<Record<string, TensorValues | null>>;
}

/** The parts of `madeUpParts()` in a file for the model with that SHA-256. */
export function learnedFile(
  config: ModelConfig,
  modelSha256: string,
  changes: LearnedChanges = {},
): Uint8Array<ArrayBuffer> {
  const { layers, kvHeads, heads, headDim } = config;
  const parts = madeUpParts(config);
  const score = parts.score!, budgets = parts.budgets!;
  const corrections = parts.corrections!, lococo = parts.lococo!;
  const { gate } = parts.absorb!;
  const [{ rows, taps }] = lococo.convolutions;
  const width = 2 * headDim;
  const metadata = {
    format: "locoloop-learned/1",
    model_sha256: modelSha256,
    share: String(score.share),
    pool: String(score.pool),
    far: String(parts.far),
  };
  const byHead = [layers, heads], byValue = [layers, heads * headDim];
  const regression = [layers, kvHeads, headDim + 5];
  const sizes = Float32Array.from(budgets.sizes);
  const tensors: Record<string, TensorValues> = {
    "score.text": { shape: regression, values: score.text },
    "score.chat": { shape: regression, values: score.chat },
    "budget.sizes": { shape: [sizes.length], values: sizes },
    "budget.error": {
      shape: [layers, kvHeads, sizes.length],
      values: Float32Array.from(budgets.errors.flat()),
    },
    "correction.tp": { shape: byHead, values: corrections.stretch },
    "correction.sb": { shape: byHead, values: corrections.sink },
    "correction.hb": { shape: byHead, values: corrections.chosen },
    "correction.od": { shape: byValue, values: corrections.gain },
    "correction.oc": { shape: byValue, values: corrections.offset },
    "fusion.gate": { shape: [layers, kvHeads, GATE_FEATURES], values: gate },
    "lococo.weight": {
      shape: [layers, rows, width, taps],
      values: Float32Array.from(
        lococo.convolutions.flatMap(({ weight }) =>
          Array.from(weight, (_, i) => {
            // From [rows, taps, width] to [rows, width, taps].
            const row = Math.floor(i / width / taps);
            const at = Math.floor(i / taps) % width;
            return weight[(row * taps + i % taps) * width + at];
          })
        ),
      ),
    },
    "lococo.bias": {
      shape: [layers, rows],
      values: Float32Array.from(
        lococo.convolutions.flatMap(({ bias }) => [...bias]),
      ),
    },
    "lococo.lambda": { shape: [layers], values: lococo.blend },
  };
  return encodeSafetensors(
    changed(metadata, changes.metadata),
    changed(tensors, changes.tensors),
  );
}

/** Calls `use` with the path of such a file for the tiny model as it is by default. */
export async function withLearnedFile(
  use: (path: string) => Promise<void>,
): Promise<void> {
  const { bytes, config } = tinyGguf();
  const model = createHash("sha256").update(bytes).digest("hex");
  const path = await Deno.makeTempFile({ suffix: ".safetensors" });
  try {
    await Deno.writeFile(path, learnedFile(config, model));
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

function changed<T>(
  values: Readonly<Record<string, T>>,
  changes: Readonly<Record<string, T | null>> = {},
): Record<string, T> {
  return Object.fromEntries(
    Object.entries({ ...values, ...changes }).flatMap(([name, value]) =>
      value === null ? [] : [[name, value]]
    ),
  );
}
