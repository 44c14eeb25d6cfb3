export { isIn } from "./batch.js";
export * from "./commitment.js";
export * from "./errors.js";
export { MODULUS, toFixed, toInstance, toNumber, toSigned } from "./field.js";
export { outputWords, type OutputRecord } from "./reading.js";
