/**
 * Decides what becomes of a dialogue's slots after every block. The runtime carries it out.
 *
 * @module
 */
import type { SlotConvolution } from "./convolution.ts";
import type { Method, Needs, Score } from "./method.ts";
import { joinNeeds } from "./needs.ts";
import { Plan } from "./plan.ts";
import type { Protection } from "./protection.ts";
import { Ranking } from "./ranking.ts";
import type { SlotTable } from "./slots.ts";
import { type Observation, UnitView } from "./unit_view.ts";

/** Makes the plans of one dialogue. */
export class Planner {
  /** What a runtime has to observe for {@link Planner.plan}. */
  readonly needs: Needs;
  readonly #slots: SlotTable;
  readonly #method: Method;
  readonly #score: Score;
  readonly #protection: Protection;
  readonly #view: UnitView;
  readonly #plan: Plan;
  readonly #ranking = new Ranking();
  /** The most slots that a unit of a layer can have before a compaction. */
  readonly #most: number;
  /** [kvHeads, most]: what the slots of a layer are worth; -Infinity where there is none. */
  readonly #scores: Float32Array;
  /** [unit]: how many slots each unit keeps. */
  readonly #counts: Int32Array;
  /** [unit, most]: which those are, ascending. */
  readonly #kept: Int32Array;

  /**
   * @param score The method's, new for this dialogue.
   * @param queryHeads Query heads that share a key/value head.
   * @throws {RangeError} If a unit has fewer slots than are protected.
   */
  constructor(
    slots: SlotTable,
    method: Method,
    score: Score,
    protection: Protection,
    queryHeads: number,
  ) {
    const { layout } = slots;
    const least = Math.min(...layout.slots);
    const { sinks, window } = protection;
    if (least < sinks + window) {
      throw new RangeError(
        `Cannot keep ${sinks} sinks and a window of ${window} tokens in ${least} slots`,
      );
    }
    this.needs = joinNeeds(method, score);
    this.#slots = slots;
    this.#method = method;
    this.#score = score;
    this.#protection = protection;
    this.#view = new UnitView(slots, protection, queryHeads);
    this.#plan = new Plan(layout);
    this.#most = mostSlots(slots, method);
    this.#scores = new Float32Array(layout.kvHeads * this.#most);
    this.#counts = new Int32Array(layout.slots.length);
    this.#kept = new Int32Array(layout.slots.length * this.#most);
  }

  /**
   * Takes in what the last block paid attention to, and plans what leaves each unit with at most its slots.
   *
   * @returns Valid until the next call.
   */
  async plan(observation: Observation): Promise<Plan> {
    const { layers, kvHeads } = this.#slots.layout;
    this.#plan.clear(this.#slots);
    for (let layer = 0; layer < layers; layer++) {
      const first = layer * kvHeads;
      for (let head = 0; head < kvHeads; head++) {
        this.#score.update?.(this.#view.move(first + head, observation));
      }
      this.#choose(first, observation);
    }
    if (this.needs.convolutions) {
      await observation.convolve(this.#convolutions(observation));
    }
    for (let unit = 0; unit < this.#counts.length; unit++) {
      const view = this.#view.move(unit, observation);
      this.#method.fuse.write(view, this.#keptOf(unit), this.#plan);
      this.#method.positions(this.#slots, unit, this.#plan);
    }
    return this.#plan;
  }

  /** Chooses what stays in the units of a layer, of which `first` is the first. */
  #choose(first: number, observation: Observation): void {
    const { kvHeads } = this.#slots.layout;
    const { live } = this.#slots;
    if (this.#overflows(first)) {
      this.#rank(first, observation);
      if (this.#method.share === "layer") this.#averageRanks(first);
      this.#protect(first);
      if (this.#method.budget.floor === undefined) this.#countByUnit(first);
      else this.#countByLayer(first, this.#method.budget.floor);
    } else {
      for (let unit = first; unit < first + kvHeads; unit++) {
        this.#counts[unit] = live[unit];
      }
    }
    for (let head = 0; head < kvHeads; head++) {
      const unit = first + head;
      const scores = this.#scoresOf(head), count = this.#counts[unit];
      const best = this.#ranking.best(scores, 0, live[unit], count);
      this.#kept.set(best.sort(), unit * this.#most);
    }
  }

  #convolutions(observation: Observation): SlotConvolution[] {
    const { fuse } = this.#method;
    const wanted: SlotConvolution[] = [];
    for (let unit = 0; unit < this.#counts.length; unit++) {
      const view = this.#view.move(unit, observation);
      const one = fuse.convolution?.(view, this.#keptOf(unit));
      if (one) wanted.push(one);
    }
    return wanted;
  }

  /** Whether the layer has more than its slots. */
  #overflows(first: number): boolean {
    const { layout, live } = this.#slots;
    let excess = 0, total = 0;
    for (let unit = first; unit < first + layout.kvHeads; unit++) {
      total += live[unit] - layout.slots[unit];
      excess = Math.max(excess, live[unit] - layout.slots[unit]);
    }
    return this.#method.budget.floor === undefined ? excess > 0 : total > 0;
  }

  #rank(first: number, observation: Observation): void {
    this.#scores.fill(-Infinity);
    for (let head = 0; head < this.#slots.layout.kvHeads; head++) {
      const view = this.#view.move(first + head, observation);
      this.#score.rank(view, this.#scoresOf(head).subarray(0, view.live));
    }
  }

  /** Gives every head of the layer the mean of their ranks. */
  #averageRanks(first: number): void {
    const { kvHeads } = this.#slots.layout;
    const live = this.#slots.live[first];
    for (let slot = 0; slot < live; slot++) {
      let sum = 0;
      for (let head = 0; head < kvHeads; head++) {
        sum += this.#scores[head * this.#most + slot];
      }
      for (let head = 0; head < kvHeads; head++) {
        this.#scores[head * this.#most + slot] = sum / kvHeads;
      }
    }
  }

  /** Puts sinks and window above everything. */
  #protect(first: number): void {
    const { sinks, window } = this.#protection;
    for (let head = 0; head < this.#slots.layout.kvHeads; head++) {
      const live = this.#slots.live[first + head];
      const scores = this.#scoresOf(head);
      scores.fill(Infinity, 0, Math.min(sinks, live));
      scores.fill(Infinity, Math.max(live - window, 0), live);
    }
  }

  /** Every unit keeps what its budget allows. */
  #countByUnit(first: number): void {
    const { layout, live } = this.#slots;
    for (let head = 0; head < layout.kvHeads; head++) {
      const unit = first + head;
      this.#counts[unit] = Math.min(live[unit], layout.slots[unit]);
    }
  }

  /** The layer's slots go to the best, whichever head they belong to; the heads' ranges move accordingly. */
  #countByLayer(first: number, floor: number): void {
    const { layout, live } = this.#slots;
    const { sinks, window } = this.#protection;
    let total = 0;
    for (let head = 0; head < layout.kvHeads; head++) {
      const unit = first + head;
      const slots = layout.slots[unit];
      const sure = Math.max(Math.floor(slots * floor), sinks + window);
      const scores = this.#scoresOf(head);
      const count = Math.min(sure, live[unit]);
      for (const slot of this.#ranking.best(scores, 0, live[unit], count)) {
        scores[slot] = Infinity;
      }
      total += slots;
    }
    this.#counts.fill(0, first, first + layout.kvHeads);
    const all = this.#scores;
    for (const index of this.#ranking.best(all, 0, all.length, total)) {
      this.#counts[first + Math.floor(index / this.#most)]++;
    }
    const { offsets } = this.#plan;
    for (let head = 1; head < layout.kvHeads; head++) {
      const before = offsets[first + head - 1];
      offsets[first + head] = before + this.#counts[first + head - 1] +
        layout.block;
    }
  }

  /** [count] valid until the next plan. */
  #keptOf(unit: number): Int32Array {
    const start = unit * this.#most;
    return this.#kept.subarray(start, start + this.#counts[unit]);
  }

  #scoresOf(head: number): Float32Array {
    const start = head * this.#most;
    return this.#scores.subarray(start, start + this.#most);
  }
}

function mostSlots({ layout }: SlotTable, { budget }: Method): number {
  const most = Math.max(...layout.slots);
  // A head of a layer whose heads compete can win all slots of the layer.
  const heads = budget.floor === undefined ? 1 : layout.kvHeads;
  return most * heads + layout.block;
}
