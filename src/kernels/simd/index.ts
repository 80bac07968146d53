// The exports of the compiled module. Pointers are byte offsets into the imported memory. Each function is defined by its
// namesake in ../reference.ts and tested against it.
export { attend } from "./attend";
export { attendInt8 } from "./attend_int8";
export { convolve } from "./convolve";
export { add, addScaled, copy, correct, rmsNorm, rotate, swiglu } from "./elementwise";
export { likest, likestBytes } from "./likest";
export { matmulF16, matmulF32 } from "./matmul_float";
export { matmulQ4 } from "./matmul_q4";
export { matmulQ8 } from "./matmul_q8";
export { quantizeNarrow, quantizeWide } from "./quantize";
export { decode, encode, encodeKey, gather, turnKey } from "./slot_bytes";
export {
  decodeNibbles,
  encodeNibbles,
  hadamard,
  spreadNibbles,
  turnNibbles,
} from "./slot_nibbles";
