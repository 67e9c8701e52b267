import { expect, test, vi } from "vitest";
import { EventParser, readEvents } from "./events";

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

const stream = (...chunks: string[]) =>
  new Response(
    new ReadableStream({
      start(controller) {
        for (const one of chunks) controller.enqueue(new TextEncoder().encode(one));
        controller.close();
      },
    }),
  );

test("a stream that breaks is taken up behind its last event, and says when it is not open", async () => {
  vi.useFakeTimers();
  const fetched = vi.spyOn(globalThis, "fetch");
  fetched.mockResolvedValueOnce(stream('id: 7\nevent: execution\ndata: {"id":"a"}\n\nid: 8\nda'));
  fetched.mockResolvedValueOnce(Response.json({ detail: "Too many streams." }, { status: 429 }));
  fetched.mockResolvedValueOnce(stream("event: end\ndata: {}\n\n"));
  const told: boolean[] = [];
  const seen: string[] = [];
  const read = readEvents("/x", (events) => seen.push(...events.map((one) => one.event)), new AbortController().signal, {
    told: (open) => told.push(open),
  });
  await vi.runAllTimersAsync();
  await read;
  expect(seen).toEqual(["execution", "end"]);
  expect(told).toEqual([true, false, false, true, false]);
  const last = fetched.mock.calls.map((call) => new Headers(call[1]?.headers).get("Last-Event-ID"));
  expect(last).toEqual([null, "7", "7"]);
  vi.useRealTimers();
});

test("a stream that says nothing for long is opened anew, one that is refused for good is not", async () => {
  vi.useFakeTimers();
  const fetched = vi.spyOn(globalThis, "fetch").mockReset();
  fetched.mockImplementationOnce((_, options) => {
    const body = new ReadableStream({
      start: (controller) => options?.signal?.addEventListener("abort", () => controller.error(new DOMException("", "AbortError"))),
    });
    return Promise.resolve(new Response(body));
  });
  fetched.mockResolvedValueOnce(Response.json({ detail: "No such execution." }, { status: 404 }));
  const read = readEvents("/x", () => undefined, new AbortController().signal);
  const refused = expect(read).rejects.toThrow("No such execution.");
  await vi.advanceTimersByTimeAsync(40_000);
  expect(fetched).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(10_000);
  await refused;
  expect(fetched).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
});
