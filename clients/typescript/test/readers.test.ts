// The generated readers over tests/vectors/readers.json: the numbers that Python and Solidity read from the same words.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OutputMisshapen, OutputOfAnotherModel } from "../src/index.js";
import * as evil from "./golden/evilModel.js";
import { MODEL_ID, readWeatherOutput } from "./golden/weatherModel.js";
import { vectors } from "./vectors.js";

describe("the reader of a model", () => {
  for (const { output, numbers } of vectors<{ output: string; numbers: number[] }>("readers", "weather")) {
    it(`reads ${numbers.join(", ")}`, () => {
      const { temperatureC, type, far } = readWeatherOutput({ model_id: MODEL_ID, output });
      assert.deepEqual([...temperatureC, type, ...far], numbers);
    });
  }
  for (const { why, output } of vectors<{ why: string; output: string }>("readers", "refused")) {
    it(`refuses by name what is not the words of one row: ${why}`, () => {
      assert.throws(() => readWeatherOutput({ model_id: MODEL_ID, output }), OutputMisshapen);
    });
  }
  it("refuses a record of another model, and an output that is no hex", () => {
    const [{ output } = { output: "" }] = vectors<{ output: string }>("readers", "weather");
    assert.throws(() => readWeatherOutput({ model_id: "0x07", output }), OutputOfAnotherModel);
    assert.throws(() => readWeatherOutput({ model_id: MODEL_ID, output: "0xno" }), OutputMisshapen);
  });
});

describe("the reader of hostile names", () => {
  it("reads each number into a field of its own, and changes no object's prototype", () => {
    const words = Array.from({ length: evil.OUTPUT_WORDS }, (_, at) => at.toString(16).padStart(64, "0"));
    const read = evil.readEvilOutput({ model_id: evil.MODEL_ID, output: "0x" + words.join("") });
    assert.equal(Object.getPrototypeOf(read), Object.prototype);
    const numbers = Object.values(read).flat() as number[];
    assert.equal(numbers.length, evil.OUTPUT_WORDS);
    assert.equal(new Set(Object.keys(read)).size, 37);
    assert.equal(read.constructor_, 16 / 2 ** evil.OUTPUT_CONSTRUCTOR_SCALE);
  });
});
