/**
 * @module
 */

/**
 * Which of a unit's keys are compared with which: for each seeker, the slot is sought whose key makes the smallest angle with
 * its own. Pointers into linear memory.
 */
export interface KeySearch {
  /** [slots, headDim] f32 or, for `likestBytes`, int8: keys where they are seen, each up to a positive factor */
  readonly keys: number;
  /** [kept] i32: slots that can be found */
  readonly kept: number;
  /** [count, 3] i32: a seeker's slot, and where those that it is compared with begin and end in `kept` */
  readonly seekers: number;
  readonly count: number;
  /** A multiple of 4, of 16 for `likestBytes`. */
  readonly headDim: number;
  /** [count] i32, receives the slot that was found, the first of several, or -1 where there was none to look at */
  readonly targets: number;
  /** [count] f32, receives the cosine of that angle, or -Infinity */
  readonly cosines: number;
}
