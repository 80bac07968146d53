/**
 * Shows how far a download is.
 *
 * @module
 */

/** What to tell about a download. */
export interface Progress {
  /** More bytes are there. */
  advance(bytes: number): void;
  /** No more will come, whether that were all or not. */
  end(): void;
}

const BAR_WIDTH = 30;

/** A bar on one line of a terminal, drawn again with every percent. */
export function progressBar(
  total: number,
  write: (text: string) => void,
): Progress {
  let done = 0;
  let shown = -1;
  return {
    advance(bytes) {
      done += bytes;
      const percent = toPercent(done, total);
      if (percent === shown) return;
      shown = percent;
      const bar = "#".repeat(Math.floor(percent * BAR_WIDTH / 100));
      const size = `${toMegabytes(done)} of ${toMegabytes(total)} MB`;
      write(`\r[${bar.padEnd(BAR_WIDTH, "-")}] ${percent} %, ${size} `);
    },
    end() {
      if (shown >= 0) write("\n");
    },
  };
}

/** A line for every ten percent. */
export function progressLines(
  total: number,
  log: (line: string) => void,
): Progress {
  let done = 0;
  let shown = 0;
  return {
    advance(bytes) {
      done += bytes;
      const percent = toPercent(done, total);
      if (percent < shown + 10) return;
      shown = percent - percent % 10;
      log(`${shown} % of ${toMegabytes(total)} MB`);
    },
    end() {},
  };
}

function toPercent(done: number, total: number): number {
  return total > 0 ? Math.min(100, Math.floor(100 * done / total)) : 100;
}

function toMegabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}
