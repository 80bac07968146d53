/**
 * The parts of a step that ONNX Runtime computes, with their tensors, ready to run.
 *
 * @module
 */
import type { ModelConfig } from "../config.ts";
import { GraphSession, tensorOf, type Tensors } from "./ort.ts";
import {
  backGraph,
  frontGraph,
  headGraph,
  middleGraph,
} from "./step_graphs.ts";
import type { GpuLayer, GpuMatrix, GpuWeights } from "./weights.ts";
import { LOGIT_ROWS, type Workspace } from "./workspace.ts";

/** A graph with all that goes in and out. */
interface Stage {
  readonly session: GraphSession;
  readonly feeds: Tensors;
  readonly results: Tensors;
}

/** Everything between attentions. Numbers of rows are fixed at load, so that a step makes no tensor and no buffer. */
export class LinearSteps {
  /** Ascending numbers of tokens that stages exist for; a step of another number is padded. */
  readonly sizes: readonly number[];
  readonly #sessions: readonly GraphSession[];
  /** By size, the stages before the first attention, between each two, and after the last. */
  readonly #stages: readonly (readonly Stage[])[];
  /** For one row, and for LOGIT_ROWS. */
  readonly #head: readonly [Stage, Stage];

  private constructor(
    sizes: readonly number[],
    sessions: readonly GraphSession[],
    stages: readonly (readonly Stage[])[],
    head: readonly [Stage, Stage],
  ) {
    this.sizes = sizes;
    this.#sessions = sessions;
    this.#stages = stages;
    this.#head = head;
  }

  /**
   * Prepares the graphs of a model.
   *
   * @param maxTokens Most tokens of a step.
   * @throws {Error} If the device cannot run one of them.
   */
  static async create(
    device: GPUDevice,
    config: ModelConfig,
    weights: GpuWeights,
    workspace: Workspace,
    maxTokens: number,
  ): Promise<LinearSteps> {
    const sessions = new Sessions(device, config);
    const between = await sessions.ofLayers(weights.layers);
    const head = await sessions.ofHead(weights.output);
    const sizes = sizesUpTo(maxTokens);
    const stages = sizes.map((size) =>
      between.map((session, index) => ({
        session,
        ...layerTensors(config, weights.layers, workspace, index, size),
      }))
    );
    const headOf = (rows: number): Stage => ({
      session: head,
      ...headTensors(config, weights, workspace, rows),
    });
    const heads = [headOf(1), headOf(LOGIT_ROWS)] as const;
    return new LinearSteps(sizes, sessions.all, stages, heads);
  }

  /** Index of the smallest size that holds `tokens` tokens. */
  sizeFor(tokens: number): number {
    return this.sizes.findIndex((size) => size >= tokens);
  }

  /** What comes before attention `layer`; of the number of layers, what comes after the last one. */
  run(size: number, layer: number): Promise<void> {
    return runStage(this.#stages[size][layer]);
  }

  /** The logits of the first row, or of all LOGIT_ROWS. */
  runHead(rows: number): Promise<void> {
    return runStage(this.#head[rows > 1 ? 1 : 0]);
  }

  async release(): Promise<void> {
    for (const session of this.#sessions) await session.release();
  }
}

function runStage({ session, feeds, results }: Stage): Promise<void> {
  return session.run(feeds, results);
}

/** 1, 8, 64 … and `most`. */
function sizesUpTo(most: number): number[] {
  const sizes: number[] = [];
  for (let size = 1; size < most; size *= 8) sizes.push(size);
  return [...sizes, most];
}

/** Sessions by the forms of the matrices that they multiply. */
class Sessions {
  readonly #device: GPUDevice;
  readonly #config: ModelConfig;
  readonly #known = new Map<string, GraphSession>();

  constructor(device: GPUDevice, config: ModelConfig) {
    this.#device = device;
    this.#config = config;
  }

  get all(): GraphSession[] {
    return [...this.#known.values()];
  }

  /** Before, between and after the attentions. */
  async ofLayers(layers: readonly GpuLayer[]): Promise<GraphSession[]> {
    const config = this.#config;
    const first = layers[0], last = layers[layers.length - 1];
    const sessions = [
      await this.#get(`front ${formsOf(first)}`, frontGraph(config, first)),
    ];
    for (let i = 1; i < layers.length; i++) {
      const [layer, next] = [layers[i - 1], layers[i]];
      const forms = `middle ${formsOf(layer)} ${formsOf(next)}`;
      const graph = middleGraph(config, layer, next);
      sessions.push(await this.#get(forms, graph));
    }
    const back = await this.#get(
      `back ${formsOf(last)}`,
      backGraph(config, last),
    );
    return [...sessions, back];
  }

  ofHead(output: GpuMatrix): Promise<GraphSession> {
    return this.#get("head", headGraph(this.#config, output));
  }

  async #get(forms: string, graph: Uint8Array): Promise<GraphSession> {
    const known = this.#known.get(forms);
    if (known) return known;
    const session = await GraphSession.create(this.#device, graph);
    this.#known.set(forms, session);
    return session;
  }
}

const FRONT = ["query", "key", "value"] as const;

function formsOf(layer: GpuLayer): string {
  const { query, key, value, output, gate, up, down } = layer;
  return [query, key, value, output, gate, up, down]
    .map(({ bits, hasOffsets }) => `${bits}${hasOffsets ? "+" : ""}`).join();
}

/** Of the stage before attention `index`, or after the last one. */
function layerTensors(
  { hidden, heads, kvHeads, headDim }: ModelConfig,
  layers: readonly GpuLayer[],
  workspace: Workspace,
  index: number,
  size: number,
): { feeds: Tensors; results: Tensors } {
  const { residual, attended, query, key, value } = workspace;
  const rows = (buffer: GPUBuffer, width: number) =>
    tensorOf(buffer, [size, width]);
  const feeds: Record<string, Tensors[string]> = {
    // The first stage only reads the residual, so the second reads the same.
    residual: rows(residual[Math.max(index - 1, 0) % 2], hidden),
  };
  const results: Record<string, Tensors[string]> = {};
  if (index > 0) {
    const layer = layers[index - 1];
    feeds.attended = rows(attended, heads * headDim);
    feeds.ffn_norm = tensorOf(layer.ffnNorm, [hidden]);
    addMatrix(feeds, "attention_output", layer.output);
    for (const name of ["gate", "up", "down"] as const) {
      addMatrix(feeds, name, layer[name]);
    }
    results.next = rows(residual[index % 2], hidden);
  }
  if (index < layers.length) {
    const next = layers[index];
    feeds.attention_norm = tensorOf(next.attentionNorm, [hidden]);
    for (const name of FRONT) addMatrix(feeds, name, next[name]);
    results.query = rows(query, heads * headDim);
    results.key = rows(key, kvHeads * headDim);
    results.value = rows(value, kvHeads * headDim);
  }
  return { feeds, results };
}

function headTensors(
  { hidden, vocab }: ModelConfig,
  { outputNorm, output }: GpuWeights,
  workspace: Workspace,
  rows: number,
): { feeds: Tensors; results: Tensors } {
  const feeds: Record<string, Tensors[string]> = {
    residual: tensorOf(workspace.rows, [rows, hidden]),
    output_norm: tensorOf(outputNorm, [hidden]),
  };
  addMatrix(feeds, "output", output);
  return {
    feeds,
    results: { logits: tensorOf(workspace.logits, [rows, vocab]) },
  };
}

/** The inputs that `StepGraph.product` declares. */
function addMatrix(
  feeds: Record<string, Tensors[string]>,
  name: string,
  { bits, rows, columns, weights, scales, offsets }: GpuMatrix,
): void {
  const blocks = columns / 32;
  feeds[`${name}.weights`] = bits === 32
    ? tensorOf(weights, [rows, columns])
    : tensorOf(weights, [rows, blocks, bits * 4], "uint8");
  if (scales) feeds[`${name}.scales`] = tensorOf(scales, [rows * blocks]);
  if (offsets) feeds[`${name}.offsets`] = tensorOf(offsets, [rows, blocks]);
}
