/**
 * The charts of what was measured.
 *
 * @module
 */
import { METHOD_NAMES } from "../../src/cache/methods.ts";
import { drawChart, type Point, type Series } from "../chart.ts";
import { USUAL } from "../model.ts";
import { cost } from "./cost.ts";
import { perplexity } from "./perplexity.ts";
import type { Cell } from "./results.ts";
import {
  cacheBytes,
  methodTitle,
  type Model,
  type Setup,
  setupTitle,
} from "./session.ts";
import { differences, mean } from "./statistics.ts";
import { measured, reference, SIZED_AT } from "./summary.ts";

/**
 * File name to SVG, of all `cells`, which must be comparable: of one model and the same texts. A chart for which nothing was
 * measured is left out, and so are methods with options or blocks of their own.
 */
export function drawCharts(
  cells: readonly Cell[],
  model: Model,
): Map<string, string> {
  const setups = listSetups(cells);
  const charts = new Map<string, string>();
  const quality = qualitySeries(cells, setups, model);
  if (quality.length > 0) {
    charts.set(
      "by_bytes.svg",
      drawChart({
        title: "What a small cache costs in likelihood",
        x: { label: "MB of keys and values", log: true },
        y: { label: "nats a token above the full cache" },
        series: quality,
      }),
    );
  }
  const times = timeSeries(cells, setups);
  if (times.length > 0) {
    charts.set(
      "time_by_length.svg",
      drawChart({
        title: "Time of a token by length of the dialogue",
        x: { label: "tokens in the dialogue", log: true },
        y: { label: "milliseconds a token" },
        series: times,
      }),
    );
  }
  return charts;
}

/** Every configuration once, in the order of the registry. */
function listSetups(cells: readonly Cell[]): Setup[] {
  const setups = new Map(
    cells.map(({ setup }) => [JSON.stringify(setup), setup]),
  );
  return [...setups.values()]
    .filter(({ values, block }) =>
      block === USUAL.block && Object.keys(values).length === 0
    )
    .toSorted((a, b) =>
      METHOD_NAMES.indexOf(a.method) - METHOD_NAMES.indexOf(b.method)
    );
}

/** A line for each method and store, a point for each number of slots. */
function qualitySeries(
  cells: readonly Cell[],
  setups: readonly Setup[],
  model: Model,
): Series[] {
  const full = reference(cells, perplexity);
  if (!full) return [];
  return seriesOf(
    setups,
    (setup) => `${methodTitle(setup)} ${setup.store}`,
    (setup) => {
      const found = measured(cells, perplexity, setup);
      if (!found) return [];
      const delta = mean(differences(found.nats, full.nats));
      return [[cacheBytes(model, setup, SIZED_AT) / 1e6, delta]];
    },
  );
}

/** A line for each configuration of the most slots. */
function timeSeries(cells: readonly Cell[], setups: readonly Setup[]) {
  const most = Math.max(...setups.map(({ slots }) => slots ?? 0));
  const shown = setups.filter(({ slots }) => slots === null || slots === most);
  return seriesOf(shown, setupTitle, (setup) => {
    const found = measured(cells, cost, setup);
    return found?.lengths.map((length, index): Point => [
      length,
      found.byLength[index],
    ]) ?? [];
  });
}

/** Lines that have points, in order; setups of the same name share one. */
function seriesOf(
  setups: readonly Setup[],
  name: (setup: Setup) => string,
  points: (setup: Setup) => Point[],
): Series[] {
  const lines = Map.groupBy(setups, name);
  return [...lines].map(([name, setups]) => ({
    name,
    points: setups.flatMap(points).toSorted(([a], [b]) => a - b),
  })).filter(({ points }) => points.length > 0);
}
