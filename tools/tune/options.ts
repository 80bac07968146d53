/**
 * What the choices of a method cost and save.
 *
 * @module
 */
import { table } from "../../bench/report.ts";
import { digest } from "../../bench/quality/corpus.ts";
import { mean, standardError } from "../../bench/quality/statistics.ts";
import { type Method, withLearned } from "../../src/cache/method.ts";
import { METHODS } from "../../src/cache/methods.ts";
import {
  cacheIndex,
  cappedTrue,
  type PositionRule,
} from "../../src/cache/positions.ts";
import { readOptions } from "../../src/cache/options.ts";
import type { TuneContext } from "./context.ts";
import type { Sample } from "./samples.ts";

/** Where slots are seen. */
const POSITIONS: Readonly<Record<string, PositionRule>> = {
  "cache index": cacheIndex,
  "capped true": cappedTrue(512),
};

/** What is tried of each option, one at a time. */
const TRIED: Readonly<Record<string, readonly number[]>> = {
  decay: [0.9, 0.95, 0.98, 0.99, 1],
  pool: [1, 5, 7, 13],
  share: [0.1, 0.25, 0.4, 0.5, 0.75],
  newest: [40, 56, 72, 96],
};

/** One row of the table. */
interface Row {
  readonly title: string;
  readonly positions: string;
  readonly values: Readonly<Record<string, number>>;
}

/** Reads all samples under every choice and prints how far each is from the full cache, and from the method as it is. */
export async function tuneOptions(context: TuneContext): Promise<void> {
  const { samples } = context;
  const kinds = {
    text: samples.filter(({ kind }) => kind === "text"),
    dialogues: samples.filter(({ kind }) => kind === "dialogue"),
  };
  for (const slots of context.given.slots) {
    const rows = listRows(context);
    // A sample's full reading is remembered only until the next sample: rows are the inner loop.
    const losses = rows.map(() => new Map<Sample, number>());
    for (const sample of samples) {
      for (const [i, row] of rows.entries()) {
        losses[i].set(sample, await lossOf(context, sample, row, slots));
      }
      console.error(`${slots} slots: ${sample.name} read`);
    }
    const cells = rows.map((row, i) => [
      row.title,
      row.positions,
      ...Object.values(kinds).flatMap((kind) =>
        compare(
          kind.map((sample) => losses[i].get(sample)!),
          kind.map((sample) => losses[0].get(sample)!),
        )
      ),
    ]);
    const head = Object.keys(kinds).flatMap((kind) => [
      `${kind}: nats`,
      "against the first",
    ]);
    console.log(`${context.given.method}, ${slots} slots\n`);
    console.log(`${table(["options", "positions", ...head], cells)}\n`);
  }
}

/** The method as it is, then everything that differs from it in one thing. */
function listRows({ given, model }: TuneContext): Row[] {
  const method = withLearned(METHODS[given.method], model.learned, {});
  const own =
    Object.keys(POSITIONS).find((name) =>
      POSITIONS[name] === method.positions
    ) ?? "own";
  const base = { title: "as it is", positions: own, values: {} };
  const others = Object.keys(POSITIONS).filter((name) =>
    own !== "own" && name !== own
  );
  const changes = Object.entries(method.options ?? {}).flatMap((
    [name, { fallback }],
  ) =>
    (TRIED[name] ?? []).filter((value) => value !== fallback).map((value) => ({
      title: `${name} ${value}`,
      positions: own,
      values: { [name]: value },
    }))
  );
  return [
    base,
    ...others.map((positions) => ({ ...base, positions })),
    ...changes,
  ];
}

async function lossOf(
  context: TuneContext,
  sample: Sample,
  { positions, values }: Row,
  slots: number,
): Promise<number> {
  const { method: name, frame: { sinks, window } } = context.given;
  const { config } = context.model.runtime;
  const plain: Method = METHODS[name];
  const method = withLearned(plain, context.model.learned, values);
  const rule = POSITIONS[positions] ?? method.positions;
  const shares = method.budget.divide(config, slots, sinks + window);
  const learned = plain.learned && context.model.learned;
  // With what they are where they are not given: a default may change.
  const all = readOptions(plain.options ?? {}, values, "options");
  const what = [
    `${name} ${JSON.stringify(all)}, ${positions},`,
    `${slots} slots ${await digest(shares.join())}`,
    ...learned ? [learned.sha256] : [],
  ].join(" ");
  return await context.loss(sample, what, {
    method: { ...method, positions: rule },
    values,
    slots,
  });
}

/** The mean, and the mean difference with its error. */
function compare(losses: number[], base: number[]): [string, string] {
  if (losses.length === 0) return ["", ""];
  const more = losses.map((loss, i) => loss - base[i]);
  const error = standardError(more);
  const sign = mean(more) < 0 ? "" : "+";
  return [
    mean(losses).toFixed(4),
    `${sign}${mean(more).toFixed(4)}` +
    (Number.isNaN(error) ? "" : ` ± ${error.toFixed(4)}`),
  ];
}
