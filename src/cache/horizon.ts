/**
 * @module
 */

/**
 * The age in tokens up to which learned parts are trusted: twice the length of the sequences that `training/` tunes them on.
 * What they say of older slots is an extrapolation, whose errors add up: what is kept for too long, or fused too often, is
 * never seen again by anything that could tell.
 */
export const HORIZON = 2560;
