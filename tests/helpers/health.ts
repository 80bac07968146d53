/**
 * What a server is at, as `/health` tells.
 *
 * @module
 */
import type { ServerProcess } from "./server_process.ts";

/** Requests that have their turn and that wait for it. */
export interface Load {
  readonly running: number;
  readonly waiting: number;
}

/** Asks until the server's load is as wanted, which it must be within `seconds`. */
export async function untilLoad(
  { url }: ServerProcess,
  isWanted: (load: Load) => boolean,
  seconds = 30,
): Promise<void> {
  const signal = AbortSignal.timeout(seconds * 1000);
  for (;;) {
    const response = await fetch(`${url}/health`, { signal });
    if (isWanted(await response.json())) return;
  }
}

/** Asks until nothing runs and nothing waits. */
export function untilIdle(server: ServerProcess): Promise<void> {
  return untilLoad(server, ({ running, waiting }) => running + waiting === 0);
}
