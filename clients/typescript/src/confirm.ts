// An answer held against a chain: everything that it says of the chain is looked up there again, or computed. As bridge/client/confirm.py.
//
// Nothing that the server says decides where is looked, except which block and transaction: and what is found there has to be what
// it says. What no chain knows (names, when it was asked for, which version of a line) is not checked, and not said to be.
import { BaseError, ContractFunctionRevertedError, isAddressEqual, toEventSelector, type Address, type Hex, type PublicClient } from "viem";
import { isIn } from "./batch.js";
import { circuitHash, domain, inferenceId, inputCommitment, rowOf, unpacked, type Circuit, type TensorWords, type Visibility } from "./commitment.js";
import { AnswerDiffers, AnswerUnconfirmed, WrongChain } from "./errors.js";
import { toFixed, toInstance, toNumber } from "./field.js";
import { inferenceLedgerAbi, modelRegistryAbi } from "./generated/abi.js";
import { FINALITIES, GRADES, type Finality, type Grade, type Inference, type Model, type Tensor } from "./records.js";

const SINGLE = toEventSelector("InferenceVerified(uint256,bytes32,bytes,address)");
const BATCH = toEventSelector("BatchStored(bytes32,uint256,uint32)");
const VISIBILITIES = ["public", "hashed", "private"];

/** What the caller believes: a node, the chain that it is on, and the ledger there. None of it comes from a server. */
export interface Anchor {
  /** Make it with `ccipRead: false`, so that no contract's answer sends it elsewhere. */
  readonly client: Pick<
    PublicClient,
    "getBlock" | "getBlockNumber" | "getChainId" | "getContractEvents" | "getTransactionReceipt" | "readContract"
  >;
  readonly chainId: number;
  readonly ledger: Address;
  /** Blocks after which a block is taken for final; without it the chain says so itself, by its tag. */
  readonly finalDepth?: number;
}

/** What a chain says of an answer. */
export interface Confirmation {
  readonly inferenceId: Hex;
  readonly chainId: number;
  readonly ledger: Address;
  readonly grade: Grade;
  /** By the chain, now; the answer said no more than this. */
  readonly finality: Finality;
  readonly blockNumber: number;
  readonly blockHash: Hex;
  /** The fields of the answer that hold, in the order in which they were looked at. */
  readonly checked: readonly string[];
}

/** How to read a model's words, as a server has it; `confirm` holds it against the registry. Null where it was not bound. */
export function circuitOf(model: Model): Circuit | null {
  const { rows, inputs, outputs, settings_hash: settingsHash } = model;
  const visibility = VISIBILITIES.indexOf(model.input_visibility ?? "");
  if (rows === null || inputs === null || outputs === null || settingsHash === null || visibility < 0) return null;
  const words = ({ shape, scale }: { readonly shape: readonly number[]; readonly scale: number }): TensorWords => ({
    elements: shape.reduce((product, length) => product * length, Math.max(1, rows)),
    scale,
  });
  return {
    settingsHash,
    inputVisibility: visibility as Visibility,
    rows,
    inputs: inputs.map(words),
    outputs: outputs.map(words),
  };
}

/**
 * Checks an answer. With the model's circuit, which is held against the registry first, its numbers are checked, too.
 * Throws `AnswerDiffers`, `AnswerUnconfirmed`, `WrongChain`, and viem's errors where the node does not answer.
 */
export async function confirm(record: Inference, anchor: Anchor, circuit: Circuit | null = null): Promise<Confirmation> {
  const chainId = await anchor.client.getChainId();
  if (chainId !== anchor.chainId) throw new WrongChain(anchor.chainId, chainId);
  const checks = new Checks(record, anchor);
  checks.statement();
  await checks.grade();
  const log = await checks.event();
  await checks.transaction(log);
  const finality = await checks.finality();
  if (circuit !== null) await checks.numbers(circuit);
  return {
    inferenceId: record.inference_id,
    chainId,
    ledger: anchor.ledger,
    grade: record.grade,
    finality,
    blockNumber: record.block_number,
    blockHash: log.blockHash,
    checked: [...checks.fields],
  };
}

interface FoundLog {
  readonly transactionHash: Hex;
  readonly blockHash: Hex;
  readonly blockNumber: bigint;
  readonly logIndex: number;
}

/** One answer on its way through the checks. */
class Checks {
  readonly fields = new Set<string>();

  /** Where it stands in a batch. */
  private readonly place: { readonly root: Hex; readonly path: readonly Hex[] } | null;

  constructor(
    private readonly record: Inference,
    private readonly anchor: Anchor,
  ) {
    const words = record.batch === null ? [] : [record.batch.root, ...record.batch.path];
    if (!words.every((word) => isHash(word))) this.differ("batch", "words", "no words of 32 bytes");
    const [root, ...path] = words as Hex[];
    this.place = root === undefined ? null : { root, path };
  }

  /** What can be computed: whose id it is, and whether it is of the chain and the ledger that the caller means. */
  statement(): void {
    const { record, anchor } = this;
    this.same("chain_id", record.chain_id, anchor.chainId);
    if (!isAddressEqual(record.event.address, anchor.ledger)) this.differ("event.address", record.event.address, anchor.ledger);
    this.fields.add("event.address");
    this.same("inference_id", record.inference_id, inferenceId(record.model_id, record.input_commitment, record.output));
    if (this.place !== null && !isIn(this.place.root, this.place.path, record.inference_id)) {
      this.differ("batch.path", "a path to the root", "a path to somewhere else");
    }
  }

  /** What the ledger holds, and how much stands behind it. */
  async grade(): Promise<void> {
    const { record, anchor } = this;
    const ledger = { address: anchor.ledger, abi: inferenceLedgerAbi } as const;
    const grade = GRADES.indexOf(record.grade);
    const told = [BigInt(record.model_id), record.input_commitment, record.output, grade] as const;
    if (record.recorded) {
      const held = await this.held("recordOf", () =>
        anchor.client.readContract({ ...ledger, functionName: "recordOf", args: [record.inference_id] }),
      );
      this.same("grade", record.grade, GRADES[held.grade]);
      const seen = record.sightings.find(({ block_number: number }) => number === held.blockNumber);
      this.same("sightings", seen?.block_number ?? "none in the block of the record", held.blockNumber);
      this.affirmed(await anchor.client.readContract({ ...ledger, functionName: "isVerified", args: told }), "recorded");
    }
    if (this.place !== null) {
      const { root, path } = this.place;
      const held = await this.held("batchOf", () =>
        anchor.client.readContract({ ...ledger, functionName: "batchOf", args: [root] }),
      );
      this.same("grade", record.grade, GRADES[held.grade]);
      const args = [root, path, ...told] as const;
      this.affirmed(await anchor.client.readContract({ ...ledger, functionName: "isVerifiedInBatch", args }), "batch");
    }
    if (!record.recorded && this.place === null) {
      const found = await anchor.client.readContract({ ...ledger, functionName: "gradeOf", args: [told[0]] });
      this.same("grade", record.grade, GRADES[found]);
    }
  }

  /** The event that told of it first, found by its block and what it says. */
  async event(): Promise<FoundLog> {
    const { record, anchor } = this;
    const { event: place } = record;
    const block = BigInt(place.block_number);
    const where = { address: anchor.ledger, abi: inferenceLedgerAbi, fromBlock: block, toBlock: block, strict: true } as const;
    const isPlace = (log: FoundLog & { address: Address }) =>
      log.logIndex === place.log_index && log.blockNumber === block && isAddressEqual(log.address, anchor.ledger);
    let found: FoundLog | undefined;
    if (place.topic === SINGLE) {
      const args = { modelId: BigInt(record.model_id), inputCommitment: record.input_commitment };
      const logs = await anchor.client.getContractEvents({ ...where, eventName: "InferenceVerified", args });
      const log = logs.find(isPlace);
      if (log !== undefined && (log.args.modelId !== args.modelId || log.args.inputCommitment !== args.inputCommitment)) {
        this.unconfirmed("the node answers with another event than was asked for");
      }
      if (log !== undefined && log.args.output !== record.output) this.differ("output", record.output.slice(0, 66), "another in the event");
      found = log;
    } else if (this.place !== null) {
      this.same("event.topic", place.topic, BATCH);
      const args = { root: this.place.root, modelId: BigInt(record.model_id) };
      const logs = await anchor.client.getContractEvents({ ...where, eventName: "BatchStored", args });
      found = logs.find((log) => isPlace(log) && log.args.root === args.root && log.args.modelId === args.modelId);
    } else {
      this.differ("event.topic", place.topic, `${SINGLE}, as it is no row of a batch`);
    }
    if (found === undefined) this.unconfirmed(`block ${place.block_number} has no such event at place ${place.log_index}`);
    this.fields.add("event.topic");
    this.same("event.tx_hash", place.tx_hash, found.transactionHash);
    this.same("tx_hash", record.tx_hash, found.transactionHash);
    this.same("block_number", record.block_number, Number(found.blockNumber));
    return found;
  }

  /** Who sent it, what it took, and when. */
  async transaction(log: FoundLog): Promise<void> {
    const { record, anchor } = this;
    const [receipt, block] = await Promise.all([
      anchor.client.getTransactionReceipt({ hash: log.transactionHash }),
      anchor.client.getBlock({ blockNumber: log.blockNumber }),
    ]);
    if (receipt.blockHash !== log.blockHash || block.hash !== log.blockHash) {
      this.unconfirmed("the node's log, receipt and block are not of one chain");
    }
    if (!isAddressEqual(record.prover, receipt.from)) this.differ("prover", record.prover, receipt.from);
    this.fields.add("prover");
    this.same("gas_used", record.gas_used, Number(receipt.gasUsed));
    this.same("block_time", record.block_time, Number(block.timestamp));
  }

  /** How sure its block is. A server that knows less than the chain is behind; one that knows more lies. */
  async finality(): Promise<Finality> {
    const { client, finalDepth } = this.anchor;
    const final = finalDepth === undefined ? await this.tagged("finalized") : Number(await client.getBlockNumber({ cacheTime: 0 })) - finalDepth;
    const number = this.record.block_number;
    const found = number <= final ? "final" : number <= (await this.tagged("safe")) ? "safe" : "mined";
    if (FINALITIES.indexOf(this.record.finality) > FINALITIES.indexOf(found)) this.differ("finality", this.record.finality, found);
    this.fields.add("finality");
    return found;
  }

  /** The numbers, from the words of the output, and the input's from its commitment. */
  async numbers(circuit: Circuit): Promise<void> {
    const { record, anchor } = this;
    const registry = await anchor.client.readContract({ address: anchor.ledger, abi: inferenceLedgerAbi, functionName: "registry" });
    const committed = await anchor.client.readContract({
      address: registry,
      abi: modelRegistryAbi,
      functionName: "circuitHashOf",
      args: [BigInt(record.model_id)],
    });
    this.same("circuit", circuitHash(circuit), committed);
    if (record.outputs !== null) {
      const words = this.words(record.output);
      const shown = words.length === count(circuit.outputs) ? circuit : rowOf(circuit);
      this.same("outputs", shownNumbers(record.outputs.map(({ numbers }) => numbers)), shownNumbers(this.decoded(words, shown.outputs)));
    }
    if (record.inputs !== null && circuit.inputVisibility === 0) {
      const given = record.inputs.reduce((sum, { numbers }) => sum + numbers.length, 0);
      const shown = given === count(circuit.inputs) ? circuit : rowOf(circuit);
      const tag = domain(anchor.chainId, anchor.ledger);
      this.same("inputs", inputCommitment(tag, this.instances(record.inputs, shown.inputs)), record.input_commitment);
    }
  }

  private words(output: Hex): bigint[] {
    try {
      return unpacked(output);
    } catch (error) {
      return this.differ("output", output.slice(0, 66), `no output of this circuit: ${(error as Error).message}`);
    }
  }

  private decoded(words: readonly bigint[], tensors: readonly TensorWords[]): number[][] {
    if (words.length !== count(tensors)) this.differ("output", `${words.length} words`, `${count(tensors)} by the circuit`);
    let start = 0;
    try {
      return tensors.map(({ elements, scale }) => words.slice(start, (start += elements)).map((word) => toNumber(word, scale)));
    } catch (error) {
      return this.differ("output", "words", `no numbers: ${(error as Error).message}`);
    }
  }

  /** The instances that numbers stand for. A number is its integer over a power of two, so it comes back exactly. */
  private instances(tensors: readonly Tensor[], shapes: readonly TensorWords[]): bigint[] {
    const fits = tensors.length === shapes.length && tensors.every(({ numbers }, at) => numbers.length === shapes[at]?.elements);
    if (!fits) this.differ("inputs", "of other shapes", "those of the circuit");
    try {
      return tensors.flatMap(({ numbers }, at) => numbers.map((number) => toInstance(toFixed(number, shapes[at]!.scale))));
    } catch (error) {
      return this.differ("inputs", "numbers", `no numbers of this circuit: ${(error as Error).message}`);
    }
  }

  private async held<T>(name: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      const reverted = error instanceof BaseError ? error.walk((each) => each instanceof ContractFunctionRevertedError) : null;
      if (reverted instanceof ContractFunctionRevertedError) {
        this.unconfirmed(`${name} reverts with ${reverted.data?.errorName ?? "no name"}`);
      }
      throw error;
    }
  }

  /** The newest block of a tag; -1 where a node knows none, and so nothing is sure by it. */
  private async tagged(blockTag: "safe" | "finalized"): Promise<number> {
    try {
      return Number((await this.anchor.client.getBlock({ blockTag })).number ?? -1);
    } catch {
      return -1;
    }
  }

  private affirmed(answer: boolean, thing: string): void {
    if (!answer) this.unconfirmed("the ledger does not hold it with this grade");
    this.fields.add(thing);
  }

  private same(thing: string, answered: unknown, found: unknown): void {
    if (answered !== found) this.differ(thing, String(answered), String(found));
    this.fields.add(thing);
  }

  private differ(thing: string, answered: string, found: string): never {
    throw new AnswerDiffers(this.record.inference_id, thing, answered, found);
  }

  private unconfirmed(reason: string): never {
    throw new AnswerUnconfirmed(this.record.inference_id, this.anchor.chainId, this.anchor.ledger, reason);
  }
}

function isHash(word: string): word is Hex {
  return /^0x[0-9a-f]{64}$/.test(word);
}

function count(tensors: readonly TensorWords[]): number {
  return tensors.reduce((sum, { elements }) => sum + elements, 0);
}

/** Numbers as text that is equal where they are. */
function shownNumbers(tensors: readonly (readonly number[])[]): string {
  return JSON.stringify(tensors);
}
