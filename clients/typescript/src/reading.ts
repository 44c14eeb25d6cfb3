// What generated readers stand on: the words of one model's record, counted and each a number.
import type { Hex } from "viem";
import { unpacked } from "./commitment.js";
import { OutputMisshapen, OutputOfAnotherModel } from "./errors.js";
import { toSigned } from "./field.js";

/** Anything that says which model gave which output. */
export interface OutputRecord {
  readonly model_id: string;
  /** The output instances as 32-byte words. */
  readonly output: string;
}

/** The output instances of a record of this model. Throws `OutputOfAnotherModel`, `OutputMisshapen`. */
export function outputWords(record: OutputRecord, modelId: Hex, count: number): readonly bigint[] {
  if (record.model_id !== modelId) throw new OutputOfAnotherModel(modelId, record.model_id);
  let words: bigint[];
  try {
    words = unpacked(record.output as Hex);
    words.forEach(toSigned);
  } catch (error) {
    throw new OutputMisshapen(modelId, count, error instanceof Error ? error.message : String(error));
  }
  if (words.length !== count) throw new OutputMisshapen(modelId, count, `it has ${words.length}`);
  return words;
}
