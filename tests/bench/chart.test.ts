import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { type Chart, drawChart } from "../../bench/chart.ts";

const CHART: Chart = {
  title: "Time & length",
  x: { label: "tokens", log: true },
  y: { label: "ms" },
  series: [
    { name: "full", points: [[256, 10], [4096, 50]] },
    { name: "small", points: [[256, 10], [4096, 10]] },
  ],
};

/** The corners of each line, in order. */
function lines(svg: string): number[][][] {
  return [...svg.matchAll(/ points="([^"]*)"/g)].map(([, points]) =>
    points.split(" ").map((point) => point.split(",").map(Number))
  );
}

Deno.test("drawChart() puts larger values further right and further up", () => {
  const [[first, last], [flatFirst, flatLast]] = lines(drawChart(CHART));
  assertEquals(first[0] < last[0], true);
  assertEquals(first[1] > last[1], true);
  assertEquals(first, flatFirst);
  assertEquals(flatFirst[1], flatLast[1]);
});

Deno.test("drawChart() makes equal factors equal distances on a logarithmic axis", () => {
  const points = [[1, 1], [4, 1], [16, 1]] as const;
  const [[a, b, c]] = lines(
    drawChart({ ...CHART, series: [{ name: "a", points }] }),
  );
  assertEquals(Math.abs((b[0] - a[0]) - (c[0] - b[0])) < 0.2, true);
});

Deno.test("drawChart() names the chart, its axes and its lines, as text", () => {
  const svg = drawChart(CHART);
  for (
    const text of ["Time &amp; length", "tokens", "ms", ">full<", ">small<"]
  ) {
    assertStringIncludes(svg, text);
  }
});

Deno.test("drawChart() refuses what it cannot show", () => {
  assertThrows(
    () => drawChart({ ...CHART, series: [] }),
    RangeError,
    "it has no points",
  );
  const series = [{ name: "a", points: [[0, 1]] as const }];
  assertThrows(
    () => drawChart({ ...CHART, series }),
    RangeError,
    "0 has no logarithm",
  );
});
