// What tests/client/test_typescript.py lets run against a real chain and a real server: reads everything, confirms it, and tries
// every lie. The answer is one JSON document on standard output.
import { createPublicClient, http, type Address, type Hex } from "viem";
import {
  AnswerDiffers,
  AnswerUnconfirmed,
  Client,
  circuitOf,
  confirm,
  ServerRefused,
  WrongChain,
  type Anchor,
  type Inference,
  type News,
} from "../src/index.js";

const { SERVER, RPC, CHAIN_ID, LEDGER, API_KEY } = process.env as Record<string, string>;
const anchor: Anchor = {
  client: createPublicClient({ transport: http(RPC), ccipRead: false, cacheTime: 0 }),
  chainId: Number(CHAIN_ID),
  ledger: LEDGER as Address,
  finalDepth: 0,
};
const client = new Client(SERVER!);
const OTHER: Hex = `0x${"07".padStart(64, "0")}`;
const HOOK = "https://203.0.113.7/walk"; // of a network for examples (RFC 5737): nobody is told
const NOBODY: Address = `0x${"0b".repeat(20)}`;

function nudged(record: Inference, side: "inputs" | "outputs"): Inference {
  const [first, ...rest] = record[side]!;
  const [number, ...numbers] = first!.numbers;
  return { ...record, [side]: [{ ...first!, numbers: [number! + 2 ** -13, ...numbers] }, ...rest] };
}

const LIES: Record<string, (record: Inference) => Inference> = {
  chain_id: (record) => ({ ...record, chain_id: 1 }),
  "event.address": (record) => ({ ...record, event: { ...record.event, address: NOBODY } }),
  inference_id: (record) => ({ ...record, inference_id: OTHER }),
  "inference_id (model)": (record) => ({ ...record, model_id: OTHER }),
  "inference_id (input)": (record) => ({ ...record, input_commitment: OTHER }),
  "inference_id (output)": (record) => ({ ...record, output: `${record.output.slice(0, -2)}ff` as Hex }),
  grade: (record) => ({ ...record, grade: "Signed" }),
  tx_hash: (record) => ({ ...record, tx_hash: OTHER }),
  "event.tx_hash": (record) => ({ ...record, event: { ...record.event, tx_hash: OTHER } }),
  "event.topic": (record) => ({ ...record, event: { ...record.event, topic: OTHER } }),
  block_number: (record) => ({ ...record, block_number: record.block_number + 1 }),
  block_time: (record) => ({ ...record, block_time: record.block_time - 1 }),
  prover: (record) => ({ ...record, prover: NOBODY }),
  gas_used: (record) => ({ ...record, gas_used: record.gas_used - 1 }),
  outputs: (record) => nudged(record, "outputs"),
  inputs: (record) => nudged(record, "inputs"),
  "outputs (none)": (record) => ({ ...record, outputs: [] }),
  "inputs (none)": (record) => ({ ...record, inputs: [] }),
};

async function nameOf(task: Promise<unknown>): Promise<string> {
  try {
    await task;
    return "confirmed";
  } catch (error) {
    if (error instanceof AnswerDiffers) return error.thing;
    if (error instanceof AnswerUnconfirmed) return `unconfirmed: ${error.reason}`;
    if (error instanceof WrongChain) return "wrong chain";
    if (error instanceof ServerRefused) return `refused ${error.status}`;
    throw error;
  }
}

async function first(count: number, stream: AsyncGenerator<News>): Promise<News[]> {
  const found: News[] = [];
  for await (const each of stream) {
    found.push(each);
    if (found.length === count) break;
  }
  return found;
}

const records: Inference[] = [];
for await (const record of client.inferences.each({}, 4)) records.push(record);

const confirmed = [];
const lies = [];
for (const record of records) {
  const circuit = circuitOf(await client.models.get(record.model_id));
  confirmed.push({ ...(await client.confirm(record, anchor)), outputs: record.outputs, inputs: record.inputs });
  for (const [lie, change] of Object.entries(LIES)) {
    lies.push({ of: record.inference_id, lie, found: await nameOf(confirm(change(record), anchor, circuit)) });
  }
}
const [last] = records.slice(-1) as [Inference];
const circuit = circuitOf(await client.models.get(last.model_id))!;
const elsewhere = { ...last, event: { ...last.event, log_index: last.event.log_index + 1 } };
const rest = {
  "no circuit": (await confirm(last, anchor)).checked.includes("outputs"),
  "another scale": await nameOf(
    confirm(last, anchor, { ...circuit, outputs: circuit.outputs.map((each) => ({ ...each, scale: each.scale - 1 })) }),
  ),
  "an event elsewhere": await nameOf(confirm(elsewhere, anchor)),
  "more certainty": await nameOf(confirm(last, { ...anchor, finalDepth: 1_000 })),
  "another chain": await nameOf(confirm(last, { ...anchor, chainId: 1 })),
  "an unknown id": await nameOf(client.inferences.get(OTHER)),
  "no condition": await nameOf(client.inferences.page({ where: ["nonsense"] })),
};
const webhooks = new Client(SERVER!, { apiKey: API_KEY! }).webhooks;
const wish = { idempotencyKey: "walk", model: last.model_id, grade: "Proven", finality: "safe" } as const;
const made = await webhooks.new(HOOK, wish);
const hooks = {
  made: [made.url, made.model_id, made.grade, made.finality],
  "told once": [typeof made.secret, (await webhooks.get(made.id)).secret],
  "made once": (await webhooks.new(HOOK, wish)).id === made.id && (await webhooks.all()).length === 1,
  log: await webhooks.log(made.id),
  ended: (await webhooks.end(made.id)).ended,
  "ended twice": (await webhooks.end(made.id)).ended,
  "without a key": await nameOf(client.webhooks.all()),
};
const filtered = await client.inferences.page({ model: last.model_id, where: ["output.y[0]>0", "input.x[0]<1"] });
const news = await first(records.length, client.stream({ after: 0 }));
const models = [];
for await (const model of client.models.each()) models.push(model.model_id);
console.log(
  JSON.stringify({
    confirmed,
    lies,
    rest,
    hooks,
    filtered: filtered.items.map((record) => record.inference_id),
    news: news.map((each) => [each.number, each.kind, each.inference_id]),
    models,
    requests: (await client.requests.page({ state: "open" })).items.length,
    inferences: (await client.statistics()).inferences,
    ledger: (await client.status()).ledger,
  }),
);
