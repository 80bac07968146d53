/**
 * Whether this machine can have a GPU at all, without asking WebGPU for it.
 *
 * @module
 */

/**
 * Names in `/dev` by which drivers of GPUs are reached: the kernel's own (`dri`), NVIDIA's on servers and on boards,
 * Windows' below Linux, and those of the makers of GPUs for phones.
 */
const GPU_DEVICE =
  /^(dri|nvidia.*|nvhost.*|nvmap|nvgpu|dxg|kfd|mali.*|kgsl.*|pvr.*|galcore)$/;

/**
 * Whether there may be a GPU in hardware. To ask WebGPU loads all its drivers; one that computes in software brings a
 * compiler with it, and where nothing else is there, that is some 75 MB for no use.
 *
 * @param list Gives the names in `/dev`.
 * @returns Also true where nobody can tell.
 */
export async function mayHaveGpu(
  list: () => Promise<readonly string[]> = listDevices,
): Promise<boolean> {
  try {
    return (await list()).some((name) => GPU_DEVICE.test(name));
  } catch {
    return true;
  }
}

/** Deno itself lets nobody look into `/dev` who has not all permissions; `ls` may. */
async function listDevices(): Promise<string[]> {
  if (Deno.build.os !== "linux") throw new Error("Cannot tell: no Linux");
  const command = new Deno.Command("ls", { args: ["/dev"], stderr: "null" });
  const { success, stdout } = await command.output();
  if (!success) throw new Error("Cannot list /dev");
  return new TextDecoder().decode(stdout).split("\n");
}
