// Ids and commitments, word for word those of contracts/src/Commitments.sol and bridge/core/commitment.py. No id depends on the
// bytes of a proof; tests/vectors/commitments.json holds the languages to the same numbers.
import { concat, encodeAbiParameters, keccak256, numberToHex, size, slice, stringToBytes, type Address, type Hex } from "viem";

const INPUT_TAG = keccak256(stringToBytes("proofbridge.input.v1"));
const CIRCUIT_TAG = keccak256(stringToBytes("proofbridge.circuit.v1"));
const WORD = 32;

/** The shape of one tensor, flattened. */
export interface TensorWords {
  readonly elements: number;
  /** value = signed instance / 2**scale */
  readonly scale: number;
}

/** Who sees the input: everyone (0), everyone its hash (1), nobody (2). */
export type Visibility = 0 | 1 | 2;

/** What a reader has to know to split the instances of a proof into input and output. */
export interface Circuit {
  readonly settingsHash: Hex;
  readonly inputVisibility: Visibility;
  /** How many inputs a proof is of; 1 if it is no batch. */
  readonly rows: number;
  readonly inputs: readonly TensorWords[];
  readonly outputs: readonly TensorWords[];
}

const TENSORS = [
  { name: "elements", type: "uint32" },
  { name: "scale", type: "int8" },
] as const;
const CIRCUIT = [
  { type: "bytes32" },
  {
    type: "tuple",
    components: [
      { name: "settingsHash", type: "bytes32" },
      { name: "inputVisibility", type: "uint8" },
      { name: "rows", type: "uint32" },
      { name: "inputs", type: "tuple[]", components: TENSORS },
      { name: "outputs", type: "tuple[]", components: TENSORS },
    ],
  },
] as const;

/** What ties an input commitment to one gateway on one chain. */
export function domain(chainId: number, gateway: Address): Hex {
  const types = [{ type: "bytes32" }, { type: "uint256" }, { type: "address" }] as const;
  return keccak256(encodeAbiParameters(types, [INPUT_TAG, BigInt(chainId), gateway]));
}

/** keccak256 of the domain followed by the input instances as 32-byte words. */
export function inputCommitment(tag: Hex, instances: readonly bigint[]): Hex {
  return keccak256(concat([tag, packed(instances)]));
}

/** keccak256(abi.encodePacked(modelId, inputCommitment, output)) (ERC-7992, Storage Extension). */
export function inferenceId(modelId: Hex, commitment: Hex, output: Hex): Hex {
  return keccak256(concat([modelId, commitment, output]));
}

/** keccak256(abi.encode(CIRCUIT_TAG, circuit)): what the registry commits to. */
export function circuitHash(circuit: Circuit): Hex {
  return keccak256(encodeAbiParameters(CIRCUIT, [CIRCUIT_TAG, { ...circuit }]));
}

/** The same circuit as one row of a batch sees it. */
export function rowOf(circuit: Circuit): Circuit {
  const rows = Math.max(1, circuit.rows);
  const share = (tensor: TensorWords) => ({ ...tensor, elements: Math.floor(tensor.elements / rows) });
  return { ...circuit, rows: 1, inputs: circuit.inputs.map(share), outputs: circuit.outputs.map(share) };
}

/** Instances as 32-byte big-endian words, one after another. */
export function packed(instances: readonly bigint[]): Hex {
  return concat(["0x", ...instances.map((instance) => numberToHex(instance, { size: WORD }))]);
}

/** The instances in an output. Throws RangeError where it is not whole words. */
export function unpacked(output: Hex): bigint[] {
  if (!/^0x([0-9a-fA-F]{64})*$/.test(output)) throw new RangeError("an output is whole words of 32 bytes, in hex");
  return Array.from({ length: size(output) / WORD }, (_, at) => BigInt(slice(output, at * WORD, (at + 1) * WORD)));
}
