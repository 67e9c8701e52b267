import { expect, test } from "vitest";
import { EventParser } from "./events";

test("events come whole however the text is cut", () => {
  const text = ': hello\n\nid: 1-1\ndata: {"a":1}\n\nevent: end\r\ndata: {}\r\n\r\n';
  for (let size = 1; size < text.length; size += 1) {
    const parser = new EventParser();
    const found = [];
    for (let at = 0; at < text.length; at += size) found.push(...parser.push(text.slice(at, at + size)));
    expect(found).toEqual([
      { id: "1-1", event: "message", data: '{"a":1}' },
      { id: "", event: "end", data: "{}" },
    ]);
  }
});
