// Written by `proofbridge model codegen` from a model's bundle: generate it again, do not edit it.

import { outputWords, toNumber, type OutputRecord } from "@proofbridge/client";
import type { Hex } from "viem";

// "\u002a\u002f } \"evil\"\n"
export const MODEL_ID = "0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" as const satisfies Hex;
/** Of one row; each has 32 bytes. */
export const OUTPUT_WORDS = 73;
export const OUTPUT_CONTRACT_EVIL_SCALE = 0;
export const OUTPUT_IMPORT_OS_OS_SYSTEM_TRUE_SCALE = 1;
export const OUTPUT_IMPORT_OS_SCALE = 2;
export const OUTPUT_A_B_CDE_F_SCALE = 3;
export const OUTPUT_TS_IGNORE_PROCESS_EXIT_SCALE = 4;
export const OUTPUT_PROCESS_EXIT_SCALE = 5;
export const OUTPUT_OUTPUT_0_CLASS_MODEL_ID_SCALE = 6;
export const OUTPUT_PROTO_SCALE = 7;
export const OUTPUT_CONSTRUCTOR_SCALE = 8;
export const OUTPUT_TO_STRING_SCALE = 9;
export const OUTPUT_THEN_SCALE = 10;
export const OUTPUT_CLASS_SCALE = 11;
export const OUTPUT_TYPE_SCALE = 12;
export const OUTPUT_FLOAT_SCALE = 13;
export const OUTPUT_UINT256_SCALE = 14;
export const OUTPUT_MAPPING_SCALE = 15;
export const OUTPUT_SELF_SCALE = 16;
export const OUTPUT_WORDS_SCALE = 17;
export const OUTPUT_TXET_SCALE = 18;
export const OUTPUT_OUTPUT_31_M_SCALE = 19;
export const OUTPUT_OUTPUT20_SCALE = 20;
export const OUTPUT_OUTPUT21_SCALE = 21;
export const OUTPUT_OUTPUT_1_SCALE = 22;
export const OUTPUT_OUTPUT23_SCALE = 23;
export const OUTPUT_OUTPUT24_SCALE = 24;
export const OUTPUT_OUTPUT25_SCALE = 25;
export const OUTPUT_OUTPUT26_SCALE = 26;
export const OUTPUT_U000_AIMPORT_OS_SCALE = 27;
export const OUTPUT_OUTPUT_SCALE = 28;
export const OUTPUT_OUTPUT0_SCALE = 29;
export const OUTPUT_OUTPUT_2_SCALE = 30;
export const OUTPUT_OUT_PUT_3_SCALE = 31;
export const OUTPUT_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX_SCALE = 32;
export const OUTPUT_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX_2_SCALE = 33;
export const OUTPUT_CUSTOM_EVIL_RETURN_INHERITDOC_SCALE = 34;
export const OUTPUT_TOUCH_EVIL_SCALE = 35;
export const OUTPUT_SCRIPT_SCALE = 36;

/** One row's outputs, row-major. */
export interface EvilOutput {
  // "\u002a\u002f } contract Evil { \u002f\u002a": float32 [1], at scale 0
  readonly contractEvil: number;
  // "\"; import os; os.system(\"true\"); \"": float32 [1, 3], at scale 1
  readonly importOsOsSystemTrue: readonly number[];
  // "\"\"\"\nimport os\n\"\"\"": float32 [1], at scale 2
  readonly importOs: number;
  // "a\nb\r\nc\u2028d\u2029e\ff": float32 [1, 3], at scale 3
  readonly aBCdeF: readonly number[];
  // "\u002f\u002f \u0040ts-ignore\nprocess.exit()": float32 [1], at scale 4
  readonly tsIgnoreProcessExit: number;
  // "\u0060\u0024{process.exit()}\u0060": float32 [1, 3], at scale 5
  readonly processExit: readonly number[];
  // "{0.__class__} {model_id} {{": float32 [1], at scale 6
  readonly output0ClassModelId: number;
  // "__proto__": float32 [1, 3], at scale 7
  readonly proto: readonly number[];
  // "constructor": float32 [1], at scale 8
  readonly constructor_: number;
  // "toString": float32 [1, 3], at scale 9
  readonly toString_: readonly number[];
  // "then": float32 [1], at scale 10
  readonly then_: number;
  // "class": float32 [1, 3], at scale 11
  readonly class: readonly number[];
  // "type": float32 [1], at scale 12
  readonly type: number;
  // "float": float32 [1, 3], at scale 13
  readonly float: readonly number[];
  // "uint256": float32 [1], at scale 14
  readonly uint256: number;
  // "mapping": float32 [1, 3], at scale 15
  readonly mapping: readonly number[];
  // "self": float32 [1], at scale 16
  readonly self: number;
  // "words": float32 [1, 3], at scale 17
  readonly words: readonly number[];
  // "\u202e\u2066 txet": float32 [1], at scale 18
  readonly txet: number;
  // "\u0085\u0000\u001b[31m": float32 [1, 3], at scale 19
  readonly output31M: readonly number[];
  // "\ud800": float32 [1], at scale 20
  readonly output20: number;
  // "\u540d\u524d": float32 [1, 3], at scale 21
  readonly output21: readonly number[];
  // "1": float32 [1], at scale 22
  readonly output1: number;
  // "": float32 [1, 3], at scale 23
  readonly output23: readonly number[];
  // " ": float32 [1], at scale 24
  readonly output24: number;
  // "_": float32 [1, 3], at scale 25
  readonly output25: readonly number[];
  // "\\": float32 [1], at scale 26
  readonly output26: number;
  // "\\u000aimport os": float32 [1, 3], at scale 27
  readonly u000AimportOs: readonly number[];
  // "output": float32 [1], at scale 28
  readonly output: number;
  // "output0": float32 [1, 3], at scale 29
  readonly output0: readonly number[];
  // "Output": float32 [1], at scale 30
  readonly output2: number;
  // "out_put": float32 [1, 3], at scale 31
  readonly outPut3: readonly number[];
  // "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\u2026": float32 [1], at scale 32
  readonly xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: number;
  // "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\u2026": float32 [1, 3], at scale 33
  readonly xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx2: readonly number[];
  // "\u0040custom:evil \u0040return \u0040inheritdoc": float32 [1], at scale 34
  readonly customEvilReturnInheritdoc: number;
  // "\u0024(touch evil)": float32 [1, 3], at scale 35
  readonly touchEvil: readonly number[];
  // "\u003cscript\u003e": float32 [1], at scale 36
  readonly script: number;
}

/** The outputs of a record. Throws `OutputOfAnotherModel`, `OutputMisshapen`. */
export function readEvilOutput(record: OutputRecord): EvilOutput {
  const words = outputWords(record, MODEL_ID, OUTPUT_WORDS);
  return {
    contractEvil: toNumber(words[0]!, OUTPUT_CONTRACT_EVIL_SCALE),
    importOsOsSystemTrue: words.slice(1, 4).map((word) => toNumber(word, OUTPUT_IMPORT_OS_OS_SYSTEM_TRUE_SCALE)),
    importOs: toNumber(words[4]!, OUTPUT_IMPORT_OS_SCALE),
    aBCdeF: words.slice(5, 8).map((word) => toNumber(word, OUTPUT_A_B_CDE_F_SCALE)),
    tsIgnoreProcessExit: toNumber(words[8]!, OUTPUT_TS_IGNORE_PROCESS_EXIT_SCALE),
    processExit: words.slice(9, 12).map((word) => toNumber(word, OUTPUT_PROCESS_EXIT_SCALE)),
    output0ClassModelId: toNumber(words[12]!, OUTPUT_OUTPUT_0_CLASS_MODEL_ID_SCALE),
    proto: words.slice(13, 16).map((word) => toNumber(word, OUTPUT_PROTO_SCALE)),
    constructor_: toNumber(words[16]!, OUTPUT_CONSTRUCTOR_SCALE),
    toString_: words.slice(17, 20).map((word) => toNumber(word, OUTPUT_TO_STRING_SCALE)),
    then_: toNumber(words[20]!, OUTPUT_THEN_SCALE),
    class: words.slice(21, 24).map((word) => toNumber(word, OUTPUT_CLASS_SCALE)),
    type: toNumber(words[24]!, OUTPUT_TYPE_SCALE),
    float: words.slice(25, 28).map((word) => toNumber(word, OUTPUT_FLOAT_SCALE)),
    uint256: toNumber(words[28]!, OUTPUT_UINT256_SCALE),
    mapping: words.slice(29, 32).map((word) => toNumber(word, OUTPUT_MAPPING_SCALE)),
    self: toNumber(words[32]!, OUTPUT_SELF_SCALE),
    words: words.slice(33, 36).map((word) => toNumber(word, OUTPUT_WORDS_SCALE)),
    txet: toNumber(words[36]!, OUTPUT_TXET_SCALE),
    output31M: words.slice(37, 40).map((word) => toNumber(word, OUTPUT_OUTPUT_31_M_SCALE)),
    output20: toNumber(words[40]!, OUTPUT_OUTPUT20_SCALE),
    output21: words.slice(41, 44).map((word) => toNumber(word, OUTPUT_OUTPUT21_SCALE)),
    output1: toNumber(words[44]!, OUTPUT_OUTPUT_1_SCALE),
    output23: words.slice(45, 48).map((word) => toNumber(word, OUTPUT_OUTPUT23_SCALE)),
    output24: toNumber(words[48]!, OUTPUT_OUTPUT24_SCALE),
    output25: words.slice(49, 52).map((word) => toNumber(word, OUTPUT_OUTPUT25_SCALE)),
    output26: toNumber(words[52]!, OUTPUT_OUTPUT26_SCALE),
    u000AimportOs: words.slice(53, 56).map((word) => toNumber(word, OUTPUT_U000_AIMPORT_OS_SCALE)),
    output: toNumber(words[56]!, OUTPUT_OUTPUT_SCALE),
    output0: words.slice(57, 60).map((word) => toNumber(word, OUTPUT_OUTPUT0_SCALE)),
    output2: toNumber(words[60]!, OUTPUT_OUTPUT_2_SCALE),
    outPut3: words.slice(61, 64).map((word) => toNumber(word, OUTPUT_OUT_PUT_3_SCALE)),
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: toNumber(words[64]!, OUTPUT_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX_SCALE),
    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx2: words.slice(65, 68).map((word) => toNumber(word, OUTPUT_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX_2_SCALE)),
    customEvilReturnInheritdoc: toNumber(words[68]!, OUTPUT_CUSTOM_EVIL_RETURN_INHERITDOC_SCALE),
    touchEvil: words.slice(69, 72).map((word) => toNumber(word, OUTPUT_TOUCH_EVIL_SCALE)),
    script: toNumber(words[72]!, OUTPUT_SCRIPT_SCALE),
  };
}
