/**
 * What fewer slots cost each layer, or each head.
 *
 * @module
 */
import type { BudgetProfile } from "../../src/cache/budget/profile.ts";
import { profile } from "../../src/cache/budget/profile.ts";
import type { Budget, Method } from "../../src/cache/method.ts";
import { METHODS } from "../../src/cache/methods.ts";
import type { TuneContext } from "./context.ts";
import type { Sample } from "./samples.ts";

/** Digits that losses are written with. */
const DIGITS = 4;

/** Measures a profile, prints what it gives each mean, and writes it where it is wanted. */
export async function tuneBudgets(context: TuneContext): Promise<void> {
  const { given, model } = context;
  const { config } = model.runtime;
  const { layers, kvHeads, hidden, vocab, name } = config;
  const groups = given.heads ? layers * kvHeads : layers;
  const rows: number[][] = [];
  for (const sample of context.samples) {
    rows.push(await measure(context, sample, groups));
  }
  const sizes = given.sizes;
  const made: BudgetProfile = {
    model: { name, layers, kvHeads, hidden, vocab },
    method: given.method,
    sizes,
    losses: Array.from(
      { length: groups },
      (_, group) =>
        sizes.map((_, i) => {
          const at = group * sizes.length + i;
          const sum = rows.reduce((total, row) => total + row[at], 0);
          return Number((sum / rows.length).toPrecision(DIGITS));
        }),
    ),
  };
  const { sinks, window } = given.frame;
  for (const mean of given.slots) {
    const slots = profile(made).divide(config, mean, sinks + window);
    const each = slots.length / groups;
    const shown = slots.filter((_, unit) => unit % each === 0);
    console.log(`${mean}: ${shown.join(" ")}`);
  }
  if (given.out !== null) await Deno.writeTextFile(given.out, format(made));
}

/** [group, size]: what a sample loses where one group alone is short of slots. */
async function measure(
  context: TuneContext,
  sample: Sample,
  groups: number,
): Promise<number[]> {
  const { method: name, sizes, heads } = context.given;
  const method: Method = METHODS[name];
  const losses = new Array<number>(groups * sizes.length);
  for (const [i, size] of sizes.entries()) {
    const start = performance.now();
    for (let group = 0; group < groups; group++) {
      const what = `${name} ${heads ? "head" : "layer"} ${group} of ${size}`;
      const budget = starving(group, groups, size);
      losses[group * sizes.length + i] = await context.loss(sample, what, {
        method: { ...method, budget },
        slots: sample.tokens.length,
      });
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    console.error(`${sample.name}, ${size} slots: ${seconds} s`);
  }
  return losses;
}

/** Gives one group `size` slots, and all others what they were asked for. */
function starving(group: number, groups: number, size: number): Budget {
  return {
    divide({ layers, kvHeads }, mean) {
      const units = layers * kvHeads;
      return Int32Array.from(
        { length: units },
        (_, unit) => Math.floor(unit * groups / units) === group ? size : mean,
      );
    },
  };
}

/** A group a line. */
function format({ losses, ...rest }: BudgetProfile): string {
  const head = JSON.stringify(rest, null, 2).replace(
    /\[[^\]]*\]/g,
    (list) => list.replace(/\s+/g, " ").replace("[ ", "[").replace(" ]", "]"),
  );
  const rows = losses.map((row) => `    [${row.join(", ")}]`).join(",\n");
  return `${head.slice(0, -2)},\n  "losses": [\n${rows}\n  ]\n}\n`;
}
