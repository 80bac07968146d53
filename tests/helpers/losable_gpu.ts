/**
 * Runs before a server that is to lose its GPU: on SIGUSR2 the device that was opened last is gone.
 *
 * @module
 */

const { prototype } = GPUAdapter;
const { requestDevice } = prototype;
let newest: GPUDevice | null = null;

prototype.requestDevice = async function (descriptor) {
  newest = await requestDevice.call(this, descriptor);
  return newest;
};

Deno.addSignalListener("SIGUSR2", () => newest?.destroy());
