// One HTTP server and what it answers, within bounds: in time, not too long, of the form that its API describes, and a problem
// document where it refuses. Redirects are not followed, because the API key would go with them.
import { AnswerMalformed, ServerRefused, ServerUnreachable } from "./errors.js";
import { schemas } from "./generated/schemas.js";
import { complaint } from "./schema.js";

/** A page of 200 records with long outputs is far below. */
export const MAX_ANSWER_BYTES = 64 * 2 ** 20;
const MAX_SAID = 300;

export type Parameters = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** How a server is asked. */
export interface ServerOptions {
  /** For `infer`, `job` and `webhooks`. */
  readonly apiKey?: string;
  /** For a whole answer. */
  readonly milliseconds?: number;
  readonly fetch?: typeof globalThis.fetch;
}

/** Throws `ServerUnreachable`, `ServerRefused`, `AnswerMalformed` from every method. */
export class Server {
  /** For errors: the URL without what may be a secret. */
  readonly place: string;
  readonly #base: string;
  readonly #apiKey: string | undefined;
  readonly #milliseconds: number;
  readonly #fetch: typeof globalThis.fetch;

  constructor(url: string, { apiKey, milliseconds = 20_000, fetch = globalThis.fetch }: ServerOptions = {}) {
    this.place = new URL(url).origin;
    this.#base = url.replace(/\/+$/, "");
    this.#apiKey = apiKey;
    this.#milliseconds = milliseconds;
    this.#fetch = fetch;
  }

  /** What a resource holds; `kind` names its schema. */
  async get<T>(kind: string, path: readonly string[], parameters: Parameters = {}): Promise<T> {
    return this.#parsed<T>(kind, path, await this.#asked(path, parameters, {}));
  }

  /** What became of a request that may be sent again with the same key. */
  async post<T>(kind: string, path: readonly string[], body: string, idempotencyKey: string): Promise<T> {
    const headers = { "content-type": "application/json", "idempotency-key": idempotencyKey };
    return this.#parsed<T>(kind, path, await this.#asked(path, {}, { method: "POST", headers, body }));
  }

  /** What is left of a resource that ends. */
  async delete<T>(kind: string, path: readonly string[]): Promise<T> {
    return this.#parsed<T>(kind, path, await this.#asked(path, {}, { method: "DELETE" }));
  }

  /** An answer that is no refusal, its body not read yet. */
  async opened(path: readonly string[], parameters: Parameters, request: RequestInit): Promise<Response> {
    const url = new URL(`${this.#base}/${path.map(encodeURIComponent).join("/")}`);
    for (const [name, value] of Object.entries(parameters)) {
      for (const each of typeof value === "object" ? value : [value]) {
        if (each !== undefined) url.searchParams.append(name, String(each));
      }
    }
    const headers = new Headers({ accept: "application/json", ...(request.headers as Record<string, string> | undefined) });
    if (this.#apiKey !== undefined) headers.set("authorization", `Bearer ${this.#apiKey}`);
    let answer: Response;
    try {
      answer = await this.#fetch(url, { ...request, headers, redirect: "manual" });
    } catch (error) {
      throw new ServerUnreachable(this.place, nameOf(error));
    }
    if (!answer.ok) throw await this.#refusal(path, answer);
    return answer;
  }

  /** A value of the form that `kind` has in the API. */
  checked<T>(kind: string, path: readonly string[], value: unknown): T {
    const said = complaint(value, { $ref: kind }, schemas);
    if (said !== null) throw this.malformed(path, said);
    return value as T;
  }

  malformed(path: readonly string[], reason: string): AnswerMalformed {
    return new AnswerMalformed([this.place, ...path].join("/"), oneLine(reason));
  }

  async #asked(path: readonly string[], parameters: Parameters, request: RequestInit): Promise<string> {
    const signal = AbortSignal.timeout(this.#milliseconds);
    return this.#body(await this.opened(path, parameters, { ...request, signal }));
  }

  async #body(answer: Response): Promise<string> {
    const parts: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const part of bytesOf(answer)) {
        length += part.length;
        if (length > MAX_ANSWER_BYTES) throw new AnswerMalformed(this.place, `it is longer than ${MAX_ANSWER_BYTES} bytes`);
        parts.push(part);
      }
      return new TextDecoder("utf-8", { fatal: true }).decode(await new Blob(parts as BlobPart[]).arrayBuffer());
    } catch (error) {
      if (error instanceof AnswerMalformed) throw error;
      if (error instanceof TypeError && error.message.includes("encoded data")) throw new AnswerMalformed(this.place, "no UTF-8");
      throw new ServerUnreachable(this.place, nameOf(error));
    }
  }

  #parsed<T>(kind: string, path: readonly string[], body: string): T {
    let value: unknown;
    try {
      value = JSON.parse(body);
    } catch {
      throw this.malformed(path, "no JSON");
    }
    return this.checked<T>(kind, path, value);
  }

  async #refusal(path: readonly string[], answer: Response): Promise<ServerRefused> {
    const place = [this.place, ...path].join("/");
    let problem: Record<string, unknown> = {};
    try {
      problem = Object(JSON.parse(await this.#body(answer)));
    } catch {
      // A refusal that does not say why is one all the same.
    }
    const said = (name: string) => (typeof problem[name] === "string" ? (problem[name] as string) : "");
    const reason = oneLine(`${said("detail")} ${said("fix")}`) || "it does not say why";
    return new ServerRefused(place, answer.status, oneLine(said("title") || answer.statusText), reason);
  }
}

/** The body as it comes. A browser's streams may have no iterator of their own. */
export async function* bytesOf(answer: Response): AsyncGenerator<Uint8Array> {
  const reader = answer.body?.getReader();
  try {
    for (;;) {
      const part = await reader?.read();
      if (part === undefined || part.done) return;
      yield part.value;
    }
  } finally {
    await reader?.cancel();
  }
}

function nameOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code = (cause as { code?: unknown }).code;
  return typeof code === "string" ? code : cause instanceof Error ? cause.name : "no answer";
}

function oneLine(text: string): string {
  return text.replace(/[\p{C}\s]+/gu, " ").trim().slice(0, MAX_SAID).replace(/\.+$/, "");
}
