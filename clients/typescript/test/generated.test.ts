import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { schemas } from "../src/generated/schemas.js";
import { complaint, type Schema } from "../src/schema.js";

const PACKAGE = new URL("../../", import.meta.url);
const KNOWN = new Set([
  ...["$ref", "type", "properties", "required", "additionalProperties", "items", "prefixItems", "minItems", "maxItems"],
  ...["minimum", "maximum", "minLength", "maxLength", "enum", "pattern", "anyOf"],
]);

function* every(schema: Schema): Generator<Schema> {
  yield schema;
  const { properties = {}, items, prefixItems = [], anyOf = [], additionalProperties } = schema;
  const inner = [...Object.values(properties), ...prefixItems, ...anyOf, items, additionalProperties];
  for (const each of inner) if (typeof each === "object") yield* every(each);
}

describe("what is generated", () => {
  it("is what the ABIs and the API's description give now: else run `npm run generate`", async () => {
    const { texts } = await import(new URL("scripts/texts.mjs", PACKAGE).href);
    for (const [path, text] of Object.entries(await texts())) {
      assert.ok(readFileSync(new URL(path, PACKAGE), "utf8") === text, `${path} is not up to date`);
    }
  });
  it("uses no keyword of JSON Schema that answers are not held against", () => {
    for (const schema of Object.values(schemas).flatMap((each) => [...every(each)])) {
      assert.deepEqual(Object.keys(schema).filter((keyword) => !KNOWN.has(keyword)), []);
    }
  });
});

describe("an answer", () => {
  const tensor = { name: "y", shape: [1, 2], numbers: [0.5, -1] };
  const said = (value: unknown) => complaint(value, { $ref: "Tensor" }, schemas);
  it("of the form of its schema is taken, with fields that a newer server may add", () => {
    assert.equal(said(tensor), null);
    assert.equal(said({ ...tensor, unit: "°C" }), null);
  });
  const bad: [string, unknown][] = [
    ["null", null],
    ["a list", []],
    ["a field missing", { name: "y", shape: [] }],
    ["text for a number", { ...tensor, numbers: ["1"] }],
    ["an infinite number", { ...tensor, numbers: [Infinity] }],
    ["a fraction for an integer", { ...tensor, shape: [1.5] }],
    ["an integer that JSON.parse may have changed", { ...tensor, shape: [2 ** 53] }],
    ["a field of the prototype", Object.create(tensor)],
  ];
  for (const [what, value] of bad) it(`of another form is refused: ${what}`, () => assert.notEqual(said(value), null));
  it("says where it is wrong", () => {
    const where = complaint({ items: [{}], next: null }, { $ref: "Page_Inference_" }, schemas);
    assert.match(where ?? "", /^document\.items\[0\]\.[a-z_]+: missing$/);
  });
});
