/**
 * Line charts as SVG, for the README.
 *
 * @module
 */

/** One line of a chart. */
export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

/** `[x, y]` */
export type Point = readonly [x: number, y: number];

/** One direction of a chart. */
export interface Axis {
  readonly label: string;
  /** Whether equal distances are equal factors; all values must be above 0. */
  readonly log?: boolean;
}

/** What a chart shows. */
export interface Chart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

const WIDTH = 760;
/** Of the plot with its labels; a longer legend makes the picture longer. */
const HEIGHT = 440;
/** Space around the plot; the legend stands on the right. */
const MARGIN = { top: 44, right: 190, bottom: 52, left: 64 };
const LEGEND_LINE = 20;

/** Told apart by the colour-blind too (Okabe and Ito); from the second round on, lines are dashed. */
const COLORS = [
  "#000000",
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
];
const DASHES = ["", "6 3", "2 2"];

/** Values to pixels along one axis. */
interface Scale {
  readonly ticks: readonly number[];
  at(value: number): number;
}

/**
 * Draws a chart.
 *
 * @throws {RangeError} If there is no point, or one that a logarithmic axis cannot show.
 */
export function drawChart({ title, x, y, series }: Chart): string {
  const points = series.flatMap((line) => line.points);
  if (points.length === 0) {
    throw new RangeError(`Cannot draw ${title}: it has no points`);
  }
  const right = WIDTH - MARGIN.right, bottom = HEIGHT - MARGIN.bottom;
  const across = scale(x, points.map(([x]) => x), MARGIN.left, right);
  const up = scale(y, points.map(([, y]) => y), bottom, MARGIN.top);
  const middle = (MARGIN.top + bottom) / 2;
  const legend = MARGIN.top + series.length * LEGEND_LINE + 8;
  const height = Math.max(HEIGHT, legend);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    text(MARGIN.left, 24, title, 'font-size="15" font-weight="bold"'),
    ...across.ticks.map((tick) => {
      const at = round(across.at(tick));
      return rule(at, MARGIN.top, at, bottom) +
        text(at, bottom + 18, show(tick), 'text-anchor="middle"');
    }),
    ...up.ticks.map((tick) => {
      const at = round(up.at(tick));
      return rule(MARGIN.left, at, right, at) +
        text(MARGIN.left - 8, at + 4, show(tick), 'text-anchor="end"');
    }),
    text(
      (MARGIN.left + right) / 2,
      HEIGHT - 12,
      x.label,
      'text-anchor="middle"',
    ),
    text(
      18,
      middle,
      y.label,
      `text-anchor="middle" transform="rotate(-90 18 ${middle})"`,
    ),
    ...series.map((line, index) => drawSeries(line, index, across, up)),
    "</svg>",
    "",
  ].join("\n");
}

function drawSeries(
  { name, points }: Series,
  index: number,
  across: Scale,
  up: Scale,
): string {
  const color = COLORS[index % COLORS.length];
  const dash = DASHES[Math.floor(index / COLORS.length) % DASHES.length];
  const stroke = `stroke="${color}" stroke-width="2"` +
    (dash && ` stroke-dasharray="${dash}"`);
  const at = points.map(([x, y]) =>
    [round(across.at(x)), round(up.at(y))] as const
  );
  const left = WIDTH - MARGIN.right + 16;
  const top = MARGIN.top + 8 + index * LEGEND_LINE;
  return [
    `<polyline fill="none" ${stroke} points="${at.join(" ")}"/>`,
    ...at.map(([x, y]) =>
      `<circle cx="${x}" cy="${y}" r="3" fill="${color}"/>`
    ),
    `<path d="M${left} ${top}h22" ${stroke}/>`,
    text(left + 30, top + 4, name, ""),
  ].join("");
}

function scale(
  { label, log = false }: Axis,
  values: readonly number[],
  from: number,
  to: number,
): Scale {
  const least = Math.min(...values), most = Math.max(...values);
  if (log && least <= 0) {
    throw new RangeError(`Cannot draw ${label}: ${least} has no logarithm`);
  }
  const ticks = log ? logTicks(least, most) : linearTicks(least, most);
  const measure = log ? Math.log : (value: number) => value;
  const low = measure(Math.min(least, ticks[0]));
  const span = measure(Math.max(most, ticks[ticks.length - 1])) - low || 1;
  return {
    ticks,
    at: (value) => from + (measure(value) - low) / span * (to - from),
  };
}

/** Some five round numbers that reach over all values, 0 among them. */
function linearTicks(least: number, most: number): number[] {
  const low = Math.min(0, least), high = Math.max(0, most);
  const rough = (high - low || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((step) => step * power >= rough)!;
  const first = Math.floor(low / step), last = Math.ceil(high / step);
  return Array.from(
    { length: last - first + 1 },
    (_, index) => Number(((first + index) * step).toPrecision(12)),
  );
}

/** Powers of two that reach over all values. */
function logTicks(least: number, most: number): number[] {
  const first = Math.floor(Math.log2(least)), last = Math.ceil(Math.log2(most));
  return Array.from({ length: last - first + 1 }, (_, i) => 2 ** (first + i));
}

function show(tick: number): string {
  return tick.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}

function rule(x1: number, y1: number, x2: number, y2: number): string {
  return `<path d="M${x1} ${y1}L${x2} ${y2}" stroke="#ddd"/>`;
}

function text(x: number, y: number, content: string, attributes: string) {
  const safe = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const more = attributes && ` ${attributes}`;
  return `<text x="${x}" y="${y}" fill="#333"${more}>${safe}</text>`;
}
