// What the client makes of a server that is none.
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { AnswerMalformed, Client, ServerRefused, ServerUnreachable, type News } from "../src/index.js";
import { events, LONGEST_EVENT, type ServerEvent } from "../src/events.js";

type Answer = (request: IncomingMessage, response: ServerResponse, number: number) => void;

/** A server that answers what a test tells it to, until the test is over. */
async function serving<T>(answer: Answer, test: (url: string, seen: IncomingMessage[]) => Promise<T>): Promise<T> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => answer(request, response, seen.push(request) - 1));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  try {
    return await test(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function saying(body: string | Buffer, status = 200, headers: Record<string, string> = {}): Answer {
  return (_request, response) => response.writeHead(status, headers).end(body);
}

function hash(number: number): `0x${string}` {
  return `0x${number.toString(16).padStart(64, "0")}`;
}

function told(number: number): string {
  const news: News = {
    number,
    kind: "verified",
    chain_id: 1,
    inference_id: hash(number),
    model_id: hash(1),
    block_number: number,
    block_hash: hash(number),
    log_index: 0,
    row: 0,
    at: 0.5,
  };
  return `id: ${number}\nevent: verified\ndata: ${JSON.stringify(news)}\n\n`;
}

async function taken<T>(count: number, from: AsyncGenerator<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of from) if (found.push(each) === count) break;
  return found;
}

describe("an answer that is none", () => {
  const bodies: [string, string | Buffer][] = [
    ["nothing", ""],
    ["a list", "[]"],
    ["cut", "{"],
    ["no UTF-8", Buffer.from([0xff, 0xfe])],
    ["NaN", '{"items": [NaN], "next": null}'],
    ["an item of another form", '{"items": [{}], "next": null}'],
    ["deep", "[".repeat(100_000)],
  ];
  for (const [what, body] of bodies) {
    it(`is refused by name: ${what}`, () =>
      serving(saying(body), async (url) => {
        await assert.rejects(new Client(url).inferences.page(), AnswerMalformed);
      }));
  }
  it("a circle of pages is left", () =>
    serving(saying('{"items": [], "next": "again"}'), async (url) => {
      await assert.rejects(taken(1, new Client(url).inferences.each()), /same page/);
    }));
  it("a refusal is one short line, and its key and redirect stay where they are", () =>
    serving(
      saying(JSON.stringify({ title: "No\x1b[31m", detail: "first\nsecond " + "x".repeat(10_000) }), 503),
      async (url) => {
        const refused = await new Client(url, { apiKey: "pb_secret" }).status().catch((error) => error);
        assert.ok(refused instanceof ServerRefused);
        assert.match(refused.message, /^[\x20-\x7e]{1,1000}$/);
        assert.doesNotMatch(JSON.stringify({ ...refused, message: refused.message }), /secret/);
      },
    ));
  it("a redirect is not followed", () =>
    serving(saying("", 302, { location: "http://127.0.0.1:9/" }), async (url, seen) => {
      await assert.rejects(new Client(url, { apiKey: "pb_secret" }).status(), ServerRefused);
      assert.equal(seen.length, 1);
    }));
  it("one that stops or does not come is not waited for", async () => {
    const half: Answer = (_request, response) => response.writeHead(200).write("{");
    await serving(half, async (url) => {
      await assert.rejects(new Client(url, { milliseconds: 200 }).status(), ServerUnreachable);
    });
    await assert.rejects(new Client("http://127.0.0.1:9").status(), ServerUnreachable);
  });
});

describe("a stream over a line that breaks", () => {
  it("tells everything once and in order", () =>
    serving(
      (request, response, number) => {
        const start = Math.max(1, Number(request.headers["last-event-id"] ?? 0) - 1);
        const whole = Array.from({ length: 4 }, (_, at) => told(start + at)).join("");
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.end(whole.slice(0, 500 + 700 * (number % 3)));
      },
      async (url, seen) => {
        const news = await taken(6, new Client(url).stream({ after: 0 }));
        assert.deepEqual(
          news.map((each) => each.number),
          [1, 2, 3, 4, 5, 6],
        );
        assert.ok(seen.length > 2);
      },
    ));
  it("ends when its patience does, and at once where it is refused", async () => {
    await serving(saying("", 503), async (url, seen) => {
      await assert.rejects(taken(1, new Client(url).stream({ patience: 800 })), ServerRefused);
      assert.ok(seen.length > 1);
    });
    await serving(saying("", 422), async (url, seen) => {
      await assert.rejects(taken(1, new Client(url).stream()), ServerRefused);
      assert.equal(seen.length, 1);
    });
  });
  it("ends when it is told to", () =>
    serving(
      (_request, response) => response.writeHead(200).write(told(1)),
      async (url) => {
        const over = new AbortController();
        const found: number[] = [];
        for await (const each of new Client(url).stream({ signal: over.signal })) {
          found.push(each.number);
          over.abort();
        }
        assert.deepEqual(found, [1]);
      },
    ));
  for (const said of ["id: x\ndata: {}\n\n", "id: 1\ndata: {}\n\n", "id: 1\ndata: nonsense\n\n", "x".repeat(2 * LONGEST_EVENT)]) {
    it(`refuses what is no news: ${JSON.stringify(said.slice(0, 30))}`, () =>
      serving(saying(said), async (url) => {
        await assert.rejects(taken(1, new Client(url).stream()), AnswerMalformed);
      }));
  }
});

describe("events", () => {
  const text = ": hello\n\nid: 1\nevent: verified\ndata: one\ndata: two\n\n\nid:2\nretry: 5\n\ndata:ä\n\n";
  const expected: ServerEvent[] = [
    { kind: "", id: "", data: "" },
    { kind: "verified", id: "1", data: "one\ntwo" },
    { kind: "", id: "2", data: "" },
    { kind: "", id: "", data: "ä" },
  ];
  for (const ending of ["\n", "\r\n"]) {
    it(`are the same wherever the bytes are cut: ${JSON.stringify(ending)}`, async () => {
      const raw = new TextEncoder().encode(text.replaceAll("\n", ending));
      for (let size = 1; size <= raw.length; ++size) {
        const parts = (async function* () {
          for (let at = 0; at < raw.length; at += size) yield raw.subarray(at, at + size);
        })();
        const found: ServerEvent[] = [];
        for await (const each of events(parts)) found.push(each);
        assert.deepEqual(found, expected);
      }
    });
  }
});
