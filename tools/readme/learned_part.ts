/**
 * The tables of README.md about what was learned.
 *
 * @module
 */
import { USUAL } from "../../bench/model.ts";
import { range } from "../../bench/quality/draw.ts";
import { CLUSTER, perplexity } from "../../bench/quality/perplexity.ts";
import type { Cell } from "../../bench/quality/results.ts";
import { differences, withError } from "../../bench/quality/statistics.ts";
import { table } from "../../bench/report.ts";
import type { OptionValues } from "../../src/cache/options.ts";

/** The parts of the learned method, each of which an option of that name switches off. */
const PARTS = ["score", "budgets", "fusion", "corrections"] as const;

/** Slots that figures are given at, and at which parts are switched off. */
const SIZES = [128, 256, 512], SLOTS = 256;

/** Nats of every run of neighbouring tokens, one set of texts after the other; null unless all of them were read so. */
type Nats = (
  method: string,
  slots: number | null,
  store: string,
  values: OptionValues,
  block?: number,
) => number[] | null;

/**
 * What the learned method loses without its parts, and in fewer bits; without results, nothing.
 *
 * @param usual Cells that README.md shows, by texts; the first are those that most figures are of.
 */
export function learnedPart(usual: readonly (readonly Cell[])[]): string {
  const ofFirst = natsOf(usual.slice(0, 1)), ofAll = natsOf(usual);
  const parts = partsTable(ofFirst);
  if (parts === null) return "";
  const notes = [
    "Differences are paired: each 64 tokens with the same 64 tokens.",
  ];
  const sizes = sizesTable(ofFirst, ofAll);
  if (sizes !== null) {
    const tokens = ofAll("full", null, "f32", {})!.length * CLUSTER;
    notes.push(
      "More without fusion: over all texts that were measured, " +
        `${tokens.toLocaleString("en")} tokens.`,
    );
  }
  const tables = [parts, sizes, othersTable(usual[0] ?? [])];
  return [...tables.filter((table) => table !== null), notes.join("\n")]
    .join("\n\n");
}

function natsOf(sets: readonly (readonly Cell[])[]): Nats {
  return (method, slots, store, values, block = USUAL.block) => {
    const found = sets.map((cells) =>
      cells.findLast(({ task, setup }) =>
        task === perplexity.name && setup.method === method &&
        setup.slots === slots && setup.store === store &&
        setup.block === block &&
        sameValues(setup.values, values)
      )
    );
    const nats = found.map((cell) => cell?.measures.nats);
    return nats.length > 0 && nats.every((some) => some !== undefined)
      ? nats.flat()
      : null;
  };
}

/** Every combination of parts that was measured. */
function partsTable(nats: Nats): string | null {
  const full = nats("full", null, "f32", {});
  const whole = nats("locoloop", SLOTS, "f32", {});
  if (!full || !whole) return null;
  const rows = range(2 ** PARTS.length).flatMap((bits) => {
    const off = PARTS.filter((_, index) => bits & (1 << index));
    const on = PARTS.filter((part) => !off.includes(part));
    const values = Object.fromEntries(off.map((part) => [part, 0]));
    const found = nats("locoloop", SLOTS, "f32", values);
    if (!found) return [];
    const versus = bits === 0 ? "" : more(found, whole);
    return [[on.join(", "), more(found, full), versus]];
  });
  const head = [
    `learned parts, ${SLOTS} slots`,
    "Δ nats",
    "more than with all",
  ];
  return table(head, rows);
}

/** Every number of slots: what the method costs, what it would without fusion, and what it costs in bytes. */
function sizesTable(ofFirst: Nats, ofAll: Nats): string | null {
  const rows = SIZES.flatMap((slots) => {
    const full = ofFirst("full", null, "f32", {});
    const [wide, narrow] = ["f32", "int8"].map((store) =>
      ofFirst("locoloop", slots, store, {})
    );
    const fused = ofAll("locoloop", slots, "f32", {});
    const dropped = ofAll("locoloop", slots, "f32", { fusion: 0 });
    if (!full || !wide || !narrow || !fused || !dropped) return [];
    return [[
      slots,
      more(wide, full),
      more(dropped, fused, 4),
      more(narrow, wide, 4),
    ]];
  });
  const head = [
    "slots",
    "Δ nats in f32",
    "more without fusion",
    "more in int8",
  ];
  return rows.length > 0 ? table(head, rows) : null;
}

/** Slots and blocks that nothing was trained or chosen with. */
function othersTable(cells: readonly Cell[]): string | null {
  const full = natsOf([cells])("full", null, "f32", {});
  if (!full) return null;
  const rows = cells.filter(({ task, setup }) =>
    task === perplexity.name && setup.method === "locoloop" &&
    setup.store === "f32" && sameValues(setup.values, {}) &&
    !(setup.block === USUAL.block && SIZES.includes(setup.slots!))
  )
    .toSorted(({ setup: a }, { setup: b }) =>
      a.slots! - b.slots! || a.block - b.block
    )
    .map(({ setup, measures }) => [
      setup.slots!,
      setup.block,
      more(measures.nats, full),
    ]);
  const head = ["other slots", "block", "Δ nats in f32"];
  return rows.length > 0 ? table(head, rows) : null;
}

function more(a: readonly number[], b: readonly number[], digits = 3): string {
  return withError(differences(a, b), digits, true);
}

function sameValues(a: OptionValues, b: OptionValues): boolean {
  const text = (values: OptionValues) =>
    JSON.stringify(Object.entries(values).sort());
  return text(a) === text(b);
}
