/**
 * @module
 */

/**
 * What `make` gives, if the device had the memory for it.
 *
 * @param what Is named in the error.
 * @throws {RangeError} If not.
 */
export async function withinMemory<T>(
  device: GPUDevice,
  make: () => T | Promise<T>,
  what: string,
): Promise<T> {
  device.pushErrorScope("out-of-memory");
  const [outcome] = await Promise.allSettled([(async () => await make())()]);
  const error = await device.popErrorScope();
  if (error) {
    throw new RangeError(`Cannot hold ${what} on the GPU: ${error.message}`);
  }
  if (outcome.status === "rejected") throw outcome.reason;
  return outcome.value;
}
