import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Address, Hex } from "viem";
import {
  circuitHash,
  domain,
  inferenceId,
  inputCommitment,
  isIn,
  MODULUS,
  packed,
  toFixed,
  toInstance,
  toNumber,
  toSigned,
  unpacked,
  type Visibility,
} from "../src/index.js";
import { vectors } from "./vectors.js";

interface CircuitVector {
  settingsHash: Hex;
  inputVisibility: Visibility;
  rows: number;
  inputElements: number[];
  inputScales: number[];
  outputElements: number[];
  outputScales: number[];
  circuitHash: Hex;
}

interface InferenceVector {
  chainId: number;
  gateway: Address;
  modelId: Hex;
  inputs: Hex[];
  outputs: Hex[];
  domain: Hex;
  inputCommitment: Hex;
  output: Hex;
  inferenceId: Hex;
}

function tensors(elements: number[], scales: number[]) {
  return elements.map((count, at) => ({ elements: count, scale: scales[at]! }));
}

describe("ids and commitments are those of Python and Solidity", () => {
  for (const vector of vectors<CircuitVector>("commitments", "circuits")) {
    it(`circuit ${vector.circuitHash}`, () => {
      const inputs = tensors(vector.inputElements, vector.inputScales);
      const outputs = tensors(vector.outputElements, vector.outputScales);
      assert.equal(circuitHash({ ...vector, inputs, outputs }), vector.circuitHash);
    });
  }
  for (const vector of vectors<InferenceVector>("commitments", "inferences")) {
    it(`inference ${vector.inferenceId}`, () => {
      const tag = domain(vector.chainId, vector.gateway);
      assert.equal(tag, vector.domain);
      assert.equal(inputCommitment(tag, vector.inputs.map(BigInt)), vector.inputCommitment);
      const output = packed(vector.outputs.map(BigInt));
      assert.equal(output, vector.output);
      assert.deepEqual(unpacked(output), vector.outputs.map(BigInt));
      assert.equal(inferenceId(vector.modelId, vector.inputCommitment, output), vector.inferenceId);
    });
  }
  it("an output that is not whole words is refused", () => {
    for (const output of ["0x00", "0x" + "0".repeat(66), "", "0xzz"]) assert.throws(() => unpacked(output as Hex), RangeError);
  });
});

describe("instances are signed numbers", () => {
  for (const vector of vectors<{ instance: Hex; signed: string }>("fixed_point", "signed")) {
    it(vector.instance, () => {
      assert.equal(toSigned(BigInt(vector.instance)), BigInt(vector.signed));
      assert.equal(toInstance(BigInt(vector.signed)), BigInt(vector.instance));
    });
  }
  it("what is no field element is refused, and what has no instance too", () => {
    for (const word of [MODULUS, 2n ** 256n - 1n, -1n]) assert.throws(() => toSigned(word), RangeError);
    for (const number of [MODULUS / 2n + 1n, -(MODULUS / 2n) - 1n]) assert.throws(() => toInstance(number), RangeError);
  });
  it("a number comes back as the integer that it was", () => {
    for (const [signed, scale] of [[-7n, 13], [2n ** 52n + 1n, 7], [3n, -2], [0n, 0]] as const) {
      assert.equal(toFixed(toNumber(toInstance(signed), scale), scale), signed);
    }
    assert.throws(() => toFixed(1e308, 127), RangeError);
    assert.throws(() => toFixed(Number.NaN, 0), RangeError);
  });
});

describe("a row of a batch", () => {
  interface BatchVector {
    root: Hex;
    rows: { inferenceId: Hex; path: Hex[] }[];
  }
  for (const { root, rows } of vectors<BatchVector>("batches", "batches")) {
    it(`${rows.length} rows lead to ${root}, each by its own path`, () => {
      rows.forEach(({ inferenceId: id, path }, at) => {
        assert.ok(isIn(root, path, id));
        const other = rows[(at + 1) % rows.length]!;
        if (rows.length > 1) assert.ok(!isIn(root, path, other.inferenceId));
        assert.ok(!isIn(root, [...path, root], id));
      });
    });
  }
});
