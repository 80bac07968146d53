/**
 * Which of the bench's results README.md shows.
 *
 * @module
 */
import { USUAL } from "../../bench/model.ts";
import type { Cell } from "../../bench/quality/results.ts";

/** A cell measured with what the server's flags are by default, but for the cache's method, options, slots, store and block. */
function isUsual({ quick, setup: { sinks, window } }: Cell): boolean {
  return !quick && sinks === USUAL.sinks && window === USUAL.window;
}

/**
 * The cells to show, by the texts that they were measured on, most cells first: the usual ones, of the model that most were
 * measured with, under the parts that are shipped.
 *
 * @param shipped SHA-256 of each file of learned parts.
 */
export function usualCells(
  cells: readonly Cell[],
  shipped: readonly string[],
): Cell[][] {
  const current = cells.filter((cell) =>
    isUsual(cell) && (cell.learned === null || shipped.includes(cell.learned))
  );
  const [ofModel = []] = largestFirst(current, ({ model }) => model);
  return largestFirst(ofModel, ({ corpus }) => corpus);
}

function largestFirst(
  cells: readonly Cell[],
  by: (cell: Cell) => string,
): Cell[][] {
  return [...Map.groupBy(cells, by).values()]
    .toSorted((a, b) => b.length - a.length);
}
