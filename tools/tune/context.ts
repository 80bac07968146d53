/**
 * What every kind of tuning works with.
 *
 * @module
 */
import { findModel } from "../../bench/model.ts";
import { loadModel, type Model } from "../../bench/quality/session.ts";
import type { Arguments } from "./arguments.ts";
import { Notebook } from "./notebook.ts";
import { type Candidate, Reader } from "./reader.ts";
import { cutTexts, makeDialogues, readTexts, type Sample } from "./samples.ts";

/** A model, samples, and what has been measured of them. */
export class TuneContext {
  readonly given: Arguments;
  readonly model: Model;
  readonly samples: readonly Sample[];
  readonly #notebook: Notebook;
  readonly #reader: Reader;

  private constructor(
    given: Arguments,
    model: Model,
    samples: readonly Sample[],
    notebook: Notebook,
  ) {
    this.given = given;
    this.model = model;
    this.samples = samples;
    this.#notebook = notebook;
    this.#reader = new Reader(model.runtime, given.frame);
  }

  /** Loads the model and cuts the samples. */
  static async open(given: Arguments): Promise<TuneContext> {
    const path = await findModel(given.model, console.error);
    const model = await loadModel(path, given.frame.block);
    const texts = await readTexts(given.text);
    const { tokenizer } = model;
    const { tokens } = given;
    const samples = [
      ...await cutTexts(texts, tokenizer, given.texts, tokens),
      ...await makeDialogues(texts, tokenizer, given.dialogues, tokens),
    ];
    const notebook = await Notebook.open(given.results);
    return new TuneContext(given, model, samples, notebook);
  }

  /** {@link Reader.loss}, unless it is in the notebook under `name`, which tells the candidate from all others. */
  loss(sample: Sample, name: string, candidate: Candidate): Promise<number> {
    const { block, sinks, window } = this.given.frame;
    const frame = `${block}/${sinks}/${window}`;
    const key = [this.model.id, frame, sample.name, name].join(" | ");
    return this.#notebook.look(
      key,
      () => this.#reader.loss(sample, candidate),
    );
  }
}
