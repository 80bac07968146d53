/**
 * The interface of a task: something that tells how good a cache is.
 *
 * @module
 */
import type { Dialogue } from "../../src/engine/dialogue.ts";
import type { Corpus } from "./corpus.ts";
import type { Model, Setup } from "./session.ts";

/**
 * What a task has measured, by name. Each number stands for one cluster (64 tokens of text, one dialogue, …): clusters
 * are what may be taken for independent when errors are estimated, and the same ones come in the same order under every
 * configuration, so that differences can be paired.
 */
export type Measures = Readonly<Record<string, readonly number[]>>;

/** What a task works with. */
export interface TaskContext {
  readonly model: Model;
  /** The configuration that is judged. */
  readonly setup: Setup;
  readonly corpus: Corpus;
  /** Whether a rough figure is enough. */
  readonly quick: boolean;
  readonly signal: AbortSignal;
  /** Starts a dialogue of at most `tokens` tokens. */
  open(tokens: number): Dialogue;
  /** Tells how far the task is. */
  progress(text: string): void;
}

/** A column of the report. */
export interface Column {
  readonly title: string;
  /** `full` is what the same task measured with nothing evicted, if it did. */
  cell(measures: Measures, full: Measures | null): string;
}

/** Something to measure of a cache. Deterministic, unless it is timed. */
export interface Task {
  readonly name: string;
  /** In one line. */
  readonly about: string;
  /** Raised whenever the figures of an earlier version are not comparable. */
  readonly version: number;
  /** Whether it measures time, so that its figures belong to one machine. */
  readonly timed?: boolean;
  readonly columns: readonly Column[];
  run(context: TaskContext): Promise<Measures>;
}
