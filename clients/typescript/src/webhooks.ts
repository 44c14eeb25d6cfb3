// Who a server tells of what is verified: the webhooks of one API key, and what became of each message. Messages are signed as
// Standard Webhooks has it.
import type { Hex } from "viem";
import type { Finality, Grade, Webhook, WebhookMessage } from "./records.js";
import type { Server } from "./server.js";

const PATH = ["v1", "webhooks"];

/** Of what a webhook is told. */
export interface WebhookWish {
  /** Of your own making: sent again, it is the same webhook and not another. */
  readonly idempotencyKey: string;
  /** Without it, every model. */
  readonly model?: Hex;
  /** At least so well assured. */
  readonly grade?: Grade;
  /** At least so sure to stay. */
  readonly finality?: Finality;
}

/** Those of the API key. */
export class Webhooks {
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  /** From now on each such inference is posted to the URL. Its secret is told here, and nowhere else. */
  async new(url: string, { idempotencyKey, ...wish }: WebhookWish): Promise<Webhook> {
    return this.#server.post("Webhook", PATH, JSON.stringify({ url, ...wish }), idempotencyKey);
  }

  /** One of them. */
  async get(webhookId: string): Promise<Webhook> {
    return this.#server.get("Webhook", [...PATH, webhookId]);
  }

  /** All of them, those that ended too, the oldest first. */
  async all(): Promise<readonly Webhook[]> {
    return (await this.#server.get<{ items: readonly Webhook[] }>("Webhooks", PATH)).items;
  }

  /** What it was told with a number below `before`, with every try, the newest first. */
  async log(webhookId: string, page: { readonly before?: number; readonly limit?: number } = {}): Promise<readonly WebhookMessage[]> {
    const path = [...PATH, webhookId, "messages"];
    return (await this.#server.get<{ items: readonly WebhookMessage[] }>("WebhookLog", path, page)).items;
  }

  /** Tell it nothing any more; what waits is dropped, and the log stays. */
  async end(webhookId: string): Promise<Webhook> {
    return this.#server.delete("Webhook", [...PATH, webhookId]);
  }
}
