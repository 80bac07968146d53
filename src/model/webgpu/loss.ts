/**
 * @module
 */
import { DeviceLostError } from "../../engine/errors.ts";

/** Milliseconds by which the news of a loss may come after the failures that it causes. */
const NEWS = 20;

/** Fails whatever waits for a device when it is lost, which would otherwise wait for ever. */
export class LossWatch {
  #error: DeviceLostError | null = null;
  readonly #waiting = new Set<(error: Error) => void>();

  constructor(device: GPUDevice) {
    device.lost.then(({ message }) => this.#fail(message));
  }

  /** Why the device is of no more use, or null. */
  get error(): DeviceLostError | null {
    return this.#error;
  }

  /**
   * What `work` gives.
   *
   * @throws {DeviceLostError} If the device is lost before that.
   */
  async wait<T>(work: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let news: ReturnType<typeof setTimeout> | undefined;
    if (this.#error) reject(this.#error);
    else this.#waiting.add(reject);
    work.then(resolve, (error) => {
      if (!this.#waiting.has(reject)) return;
      news = setTimeout(() => reject(error), NEWS);
    });
    try {
      return await promise;
    } finally {
      clearTimeout(news);
      this.#waiting.delete(reject);
    }
  }

  #fail(reason: string): void {
    this.#error = lossError(reason);
    for (const reject of this.#waiting) reject(this.#error);
  }
}

/** What becomes of those who need a device that is lost. */
export function lossError(reason: string, cause?: unknown): DeviceLostError {
  const message = `Cannot run the model: the GPU is lost: ${reason}`;
  return new DeviceLostError(message, { cause });
}
