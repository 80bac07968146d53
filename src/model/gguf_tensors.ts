/**
 * The table of tensors of a model file, checked against the model's shape and the file's size.
 *
 * @module
 */
import type { ModelConfig } from "./config.ts";
import type { TensorInfo, TensorType } from "./gguf.ts";
import { cannotLoad } from "./gguf_error.ts";
import type { StoredTensor } from "./gguf_scan.ts";

/** A file, as far as tensors care. */
export interface TensorSpace {
  readonly path: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Byte offset from which the tensors' own offsets count. */
  readonly start: number;
  /** Bytes of which every such offset is a multiple. */
  readonly alignment: number;
}

/** Values that share a scale, and the bytes that they take. */
const BLOCKS: Readonly<Record<TensorType, { values: number; bytes: number }>> =
  {
    F32: { values: 1, bytes: 4 },
    F16: { values: 1, bytes: 2 },
    Q8_0: { values: 32, bytes: 34 },
    Q4_0: { values: 32, bytes: 18 },
    Q4_1: { values: 32, bytes: 20 },
  };

/** Names of ggml's encodings, by number; what is not supported is named too, for the error that says so. */
const GGML_TYPES: ReadonlyMap<number, string> = new Map([
  [0, "F32"],
  [1, "F16"],
  [2, "Q4_0"],
  [3, "Q4_1"],
  [6, "Q5_0"],
  [7, "Q5_1"],
  [8, "Q8_0"],
  [10, "Q2_K"],
  [11, "Q3_K"],
  [12, "Q4_K"],
  [13, "Q5_K"],
  [14, "Q6_K"],
  [20, "IQ4_NL"],
  [23, "IQ4_XS"],
  [30, "BF16"],
]);

/** `[columns, rows]` */
type Shape = readonly [number, number];

/**
 * Finds every tensor of the model in the file.
 *
 * @throws {ModelError} If one is missing, unknown, of the wrong shape or of an unsupported type, or is not wholly within
 * the file.
 */
export function placeTensors(
  space: TensorSpace,
  config: ModelConfig,
  infos: readonly StoredTensor[],
): Map<string, TensorInfo> {
  const shapes = expectedShapes(space.path, config, infos.length);
  const tensors = new Map<string, TensorInfo>();
  for (const info of infos) {
    const shape = shapes.get(info.name);
    if (!shape) {
      throw cannotLoad(space.path, `tensor ${info.name} is not supported`);
    }
    if (tensors.has(info.name)) {
      throw cannotLoad(space.path, `tensor ${info.name} is there twice`);
    }
    tensors.set(info.name, placeTensor(space, info, shape));
  }
  for (const name of shapes.keys()) {
    if (!tensors.has(name) && !OPTIONAL.has(name)) {
      throw cannotLoad(space.path, `it has no tensor ${name}`);
    }
  }
  checkPlaces(space, tensors);
  return tensors;
}

/** Without an output head, the token embedding serves as one; without frequencies, they follow from their base. */
const OPTIONAL: ReadonlySet<string> = new Set([
  "output.weight",
  "rope_freqs.weight",
]);

/** Every tensor that a model of this shape can have. */
function expectedShapes(
  path: string,
  config: ModelConfig,
  count: number,
): Map<string, Shape> {
  const { hidden, ffn, vocab, layers } = config;
  // Keeps a damaged number of layers from growing the map without bound.
  if (layers > count) {
    throw cannotLoad(path, `${count} tensors are too few for ${layers} layers`);
  }
  const queries = config.heads * config.headDim;
  const keys = config.kvHeads * config.headDim;
  const shapes = new Map<string, Shape>([
    ["token_embd.weight", [hidden, vocab]],
    ["output_norm.weight", [hidden, 1]],
    ["output.weight", [hidden, vocab]],
    ["rope_freqs.weight", [config.ropeDim / 2, 1]],
  ]);
  for (let layer = 0; layer < layers; layer++) {
    const block = `blk.${layer}`;
    shapes.set(`${block}.attn_norm.weight`, [hidden, 1]);
    shapes.set(`${block}.attn_q.weight`, [hidden, queries]);
    shapes.set(`${block}.attn_k.weight`, [hidden, keys]);
    shapes.set(`${block}.attn_v.weight`, [hidden, keys]);
    shapes.set(`${block}.attn_output.weight`, [queries, hidden]);
    shapes.set(`${block}.ffn_norm.weight`, [hidden, 1]);
    shapes.set(`${block}.ffn_gate.weight`, [hidden, ffn]);
    shapes.set(`${block}.ffn_up.weight`, [hidden, ffn]);
    shapes.set(`${block}.ffn_down.weight`, [ffn, hidden]);
  }
  return shapes;
}

function placeTensor(
  { path, start, alignment }: TensorSpace,
  { name, shape, type: code, offset: relative }: StoredTensor,
  [columns, rows]: Shape,
): TensorInfo {
  const [width = 0, height = 1, ...rest] = shape;
  if (width !== columns || height !== rows || rest.some((n) => n !== 1)) {
    throw cannotLoad(
      path,
      `tensor ${name} is ${shape.join(" × ")}, not ${columns} × ${rows}`,
    );
  }
  const type = supportedType(path, name, code, rows);
  const block = BLOCKS[type];
  if (columns % block.values !== 0) {
    throw cannotLoad(
      path,
      `tensor ${name} has rows of ${columns} values, ` +
        `but ${type} wants a multiple of ${block.values}`,
    );
  }
  if (relative % alignment !== 0) {
    throw cannotLoad(path, `tensor ${name} is not aligned`);
  }
  const byteLength = rows * (columns / block.values) * block.bytes;
  const offset = start + relative;
  return { name, type, columns, rows, offset, byteLength };
}

/** Norms and frequencies, which are vectors, are f32 in every file. */
function supportedType(
  path: string,
  tensor: string,
  code: number,
  rows: number,
): TensorType {
  const type = GGML_TYPES.get(code) ?? `number ${code}`;
  if (isMatrixType(type) && (rows > 1 || type === "F32")) return type;
  throw cannotLoad(
    path,
    `tensor ${tensor} has the type ${type}, which is not supported`,
  );
}

function isMatrixType(type: string): type is TensorType {
  return Object.hasOwn(BLOCKS, type);
}

/** Tensors that overlap mean that the table is damaged; tensors past the end, that the file is truncated. */
function checkPlaces(
  { path, size }: TensorSpace,
  tensors: ReadonlyMap<string, TensorInfo>,
): void {
  const ordered = [...tensors.values()].sort((a, b) => a.offset - b.offset);
  for (let i = 1; i < ordered.length; i++) {
    const [before, after] = [ordered[i - 1], ordered[i]];
    if (before.offset + before.byteLength > after.offset) {
      throw cannotLoad(
        path,
        `tensors ${before.name} and ${after.name} overlap`,
      );
    }
  }
  const last = ordered[ordered.length - 1];
  const missing = last.offset + last.byteLength - size;
  if (missing > 0) {
    throw cannotLoad(
      path,
      `${missing} bytes are missing at its end, where tensor ${last.name} is`,
    );
  }
}
