// Written by `proofbridge model codegen` from a model's bundle: generate it again, do not edit it.

import { outputWords, toNumber, type OutputRecord } from "@proofbridge/client";
import type { Hex } from "viem";

// "weather"
export const MODEL_ID = "0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" as const satisfies Hex;
/** Of one row; each has 32 bytes. */
export const OUTPUT_WORDS = 6;
export const OUTPUT_TEMPERATURE_C_SCALE = 13;
export const OUTPUT_TYPE_SCALE = 0;
export const OUTPUT_FAR_SCALE = -2;

/** One row's outputs, row-major. */
export interface WeatherOutput {
  // "temperature (\u00b0C)": float32 [1, 3], at scale 13
  readonly temperatureC: readonly number[];
  // "type": int64 [1], at scale 0
  readonly type: number;
  // "far": float64 [2, 1], at scale -2
  readonly far: readonly number[];
}

/** The outputs of a record. Throws `OutputOfAnotherModel`, `OutputMisshapen`. */
export function readWeatherOutput(record: OutputRecord): WeatherOutput {
  const words = outputWords(record, MODEL_ID, OUTPUT_WORDS);
  return {
    temperatureC: words.slice(0, 3).map((word) => toNumber(word, OUTPUT_TEMPERATURE_C_SCALE)),
    type: toNumber(words[3]!, OUTPUT_TYPE_SCALE),
    far: words.slice(4, 6).map((word) => toNumber(word, OUTPUT_FAR_SCALE)),
  };
}
