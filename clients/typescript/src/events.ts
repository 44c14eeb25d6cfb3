// Server-sent events out of bytes, as the HTML standard has them (section 9.2.6), bounded.

/** Characters that are kept while an event is not whole. */
export const LONGEST_EVENT = 2 ** 16;

/** One event; without data it only says how far the stream is. */
export interface ServerEvent {
  readonly kind: string;
  readonly id: string;
  readonly data: string;
}

/** The events of a body, as they come. Throws RangeError on an event that does not end. */
export async function* events(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  let lines: string[] = [];
  for await (const part of body) {
    const text = rest + decoder.decode(part, { stream: true });
    const cut = text.endsWith("\r") ? text.length - 1 : text.length; // half a line's end, perhaps
    const whole = text.slice(0, cut).split(/\r\n|\r|\n/);
    rest = (whole.pop() ?? "") + text.slice(cut);
    for (const line of whole) {
      if (line !== "") lines.push(line);
      else if (lines.length > 0) {
        yield event(lines);
        lines = [];
      }
    }
    if (rest.length + lines.reduce((sum, line) => sum + line.length, 0) > LONGEST_EVENT) {
      throw new RangeError(`an event of more than ${LONGEST_EVENT} characters`);
    }
  }
}

function event(lines: readonly string[]): ServerEvent {
  const fields = { event: "", id: "" };
  const data: string[] = [];
  for (const line of lines) {
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line) as unknown as [string, string, string];
    if (name === "data") data.push(value);
    else if (name === "event" || name === "id") fields[name] = value;
  }
  return { kind: fields.event, id: fields.id, data: data.join("\n") };
}
