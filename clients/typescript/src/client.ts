// A server's answers, typed: what it knows of verified inferences, and whether a chain confirms it. Python has the same in
// bridge/client.
import type { Address, Hex } from "viem";
import { circuitOf, confirm, type Anchor, type Confirmation } from "./confirm.js";
import { ProofbridgeError, ServerRefused, ServerUnreachable } from "./errors.js";
import { events } from "./events.js";
import type { DeskRequest, Finality, Grade, Inference, Job, Line, Model, News, Page, Statistics, Status } from "./records.js";
import { bytesOf, Server, type Parameters, type ServerOptions } from "./server.js";
import { Webhooks } from "./webhooks.js";

const QUIET_MILLISECONDS = 60_000; // a stream that does not even say how far it is for so long is cut
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;

/** Which inferences: all that is given has to hold. */
export interface InferenceQuery {
  readonly model?: Hex;
  readonly submitter?: Address;
  /** At least so well assured. */
  readonly grade?: Grade;
  /** At least so sure to stay. */
  readonly finality?: Finality;
  /** By the time of the block, in seconds since 1970 (UTC); both ends included. */
  readonly since?: number;
  readonly until?: number;
  readonly from_block?: number;
  readonly to_block?: number;
  /** Conditions on decoded numbers: `output.score>=0.8`, `input.x[3]<1`. They need `model`. */
  readonly where?: readonly string[];
}

/** Which requests at the desk. */
export interface RequestQuery {
  readonly model?: Hex;
  readonly requester?: Address;
  readonly state?: "open" | "claimed" | "fulfilled" | "refunded";
}

/** Where a page begins, and how many records it holds at most. */
export interface PagePlace {
  readonly cursor?: string;
  readonly limit?: number;
}

/** Records of one kind: by id, by page, or one after another. */
export class Collection<T, Query extends object> {
  constructor(
    private readonly server: Server,
    private readonly name: string,
    private readonly kind: string,
    private readonly key: keyof T,
  ) {}

  /** One record. */
  async get(key: Hex): Promise<T> {
    const path = ["v1", this.name, key];
    const found = await this.server.get<T>(this.kind, path);
    if (found[this.key] !== key.toLowerCase()) throw this.server.malformed(path, `it is of ${String(found[this.key])}`);
    return found;
  }

  /** Some records, the newest first; a page may be short and not the last. */
  async page(query: Query = {} as Query, { cursor, limit = 50 }: PagePlace = {}): Promise<Page<T>> {
    const parameters = { ...query, cursor, limit } as Parameters;
    return this.server.get<Page<T>>(`Page_${this.kind}_`, ["v1", this.name], parameters);
  }

  /** Every record, the newest first, page by page as they are used. */
  async *each(query: Query = {} as Query, limit = 200): AsyncGenerator<T> {
    let cursor: string | undefined;
    for (;;) {
      const page = await this.page(query, cursor === undefined ? { limit } : { cursor, limit });
      yield* page.items;
      if (page.next === null) return;
      if (page.next === cursor) throw this.server.malformed(["v1", this.name], "its next page is the same page");
      cursor = page.next;
    }
  }
}

/** What is streamed. */
export interface StreamOptions {
  /** Everything after this number first; without it, only what comes. */
  readonly after?: number;
  readonly model?: Hex;
  /** Milliseconds without a sign of the server after which it is given up. */
  readonly patience?: number;
  readonly signal?: AbortSignal;
}

/** One server. Nothing that it says has to be believed: see `confirm`. */
export class Client {
  readonly inferences: Collection<Inference, InferenceQuery>;
  readonly models: Collection<Model, Record<string, never>>;
  readonly requests: Collection<DeskRequest, RequestQuery>;
  readonly webhooks: Webhooks;
  readonly #server: Server;

  constructor(url: string, options: ServerOptions = {}) {
    this.#server = new Server(url, options);
    this.inferences = new Collection(this.#server, "inferences", "Inference", "inference_id");
    this.models = new Collection(this.#server, "models", "Model", "model_id");
    this.requests = new Collection(this.#server, "requests", "DeskRequest", "request_id");
    this.webhooks = new Webhooks(this.#server);
  }

  /** A line of versions. */
  async line(lineId: Hex): Promise<Line> {
    return this.#server.get("Line", ["v1", "lines", lineId]);
  }

  /** How far the server has followed the chain. */
  async status(): Promise<Status> {
    return this.#server.get("Horizon", ["v1", "status"]);
  }

  /** Figures over many inferences, by day and in all. */
  async statistics(of: { readonly model?: Hex; readonly since?: number; readonly until?: number } = {}): Promise<Statistics> {
    return this.#server.get("Statistics", ["v1", "statistics"], of);
  }

  /**
   * Holds a record against a chain that the caller believes, its numbers included. How to read the words is asked of the server
   * and held against the registry. Throws `AnswerDiffers`, `AnswerUnconfirmed`.
   */
  async confirm(record: Inference, anchor: Anchor): Promise<Confirmation> {
    return confirm(record, anchor, circuitOf(await this.models.get(record.model_id)));
  }

  /** Asks for the inference of one row; again with the same key it is the same job. */
  async infer(
    model: Hex,
    inputs: Readonly<Record<string, unknown>>,
    { idempotencyKey, deadline }: { readonly idempotencyKey: string; readonly deadline?: number },
  ): Promise<Job> {
    return this.#server.post("JobAnswer", ["v1", "infer"], JSON.stringify({ model, inputs, deadline }), idempotencyKey);
  }

  /** How far it has come. */
  async job(jobId: string): Promise<Job> {
    return this.#server.get("JobAnswer", ["v1", "jobs", jobId]);
  }

  /**
   * What is verified and what a reorganisation takes back, as it comes: all of it, each once, in order, over any number of
   * connections. Throws `ServerUnreachable` when its patience is over, `ServerRefused`, `AnswerMalformed`.
   */
  async *stream({ after, model, patience = 300_000, signal }: StreamOptions = {}): AsyncGenerator<News> {
    let last = after;
    let pause = FIRST_PAUSE;
    let seen = Date.now();
    const isOver = () => signal?.aborted === true;
    while (!isOver()) {
      try {
        for await (const [number, told] of this.#told(last, model, signal)) {
          [pause, seen] = [FIRST_PAUSE, Date.now()];
          if (told !== null && (last === undefined || number > last)) yield told;
          last = Math.max(number, last ?? 0);
        }
      } catch (error) {
        if (isOver()) return;
        const passes = error instanceof ServerUnreachable || (error instanceof ServerRefused && error.status >= 500);
        if (!passes || Date.now() - seen > patience) throw error;
      }
      await new Promise((resume) => setTimeout(resume, pause));
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    }
  }

  /** Numbers, and what there is to tell at them, of one connection. */
  async *#told(after: number | undefined, model: Hex | undefined, signal: AbortSignal | undefined) {
    const path = ["v1", "stream"];
    const quiet = new AbortController();
    const headers = { accept: "text/event-stream", ...(after === undefined ? {} : { "last-event-id": String(after) }) };
    let alarm = setTimeout(() => quiet.abort(), QUIET_MILLISECONDS);
    try {
      const signals = signal === undefined ? [quiet.signal] : [quiet.signal, signal];
      const answer = await this.#server.opened(path, { model }, { headers, signal: AbortSignal.any(signals) });
      for await (const { id, data } of events(bytesOf(answer))) {
        clearTimeout(alarm);
        alarm = setTimeout(() => quiet.abort(), QUIET_MILLISECONDS);
        if (id === "") continue;
        if (!/^[0-9]{1,15}$/.test(id)) throw this.#server.malformed(path, "an event's id is no number");
        const told = data === "" ? null : this.#server.checked<News>("News", path, parsed(data));
        yield [Number(id), told] as const;
      }
    } catch (error) {
      if (error instanceof ProofbridgeError) throw error;
      if (error instanceof RangeError) throw this.#server.malformed(path, error.message);
      throw new ServerUnreachable(this.#server.place, "the stream broke off");
    } finally {
      clearTimeout(alarm);
      quiet.abort();
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // which no schema takes
  }
}
