import { Button, Text } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import type { JsonObject } from "../api/types";
import { Tree } from "../parts/Tree";
import type { Told } from "./drawing/exchange";
import plotlyAddress from "./drawing/plotly?worker&url";
import vegaAddress from "./drawing/vega?worker&url";
import { heightOf, type Library } from "./figures";

const ADDRESSES: Record<Library, string> = { plotly: plotlyAddress, vega: vegaAddress };
const FIRST_HEIGHT = 450;
const MOST_NOTES = 5;
const LONGEST_NOTE = 300;

/** A figure that a program has described, as a plot or as the JSON that it is. */
export function Figure({ library, value, name }: { library: Library; value: JsonObject; name: string }) {
  const [asJson, setAsJson] = useState(false);
  return (
    <>
      <Button size="compact-xs" variant="default" aria-pressed={asJson} onClick={() => setAsJson(!asJson)}>
        Show as JSON
      </Button>
      {asJson ? <Tree value={value} /> : <Drawn library={library} value={value} name={name} />}
    </>
  );
}

/** Draws in a frame that has no origin: a figure that got the better of its library would reach nothing of the page.

The frame has the policy of this page and a narrower one of its own, under which only the library's file runs, and
nothing is fetched. */
function Drawn({ library, value, name }: { library: Library; value: JsonObject; name: string }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const [height, setHeight] = useState(FIRST_HEIGHT);
  const [notes, setNotes] = useState<string[]>([]);
  const [page] = useState(() => pageOf(new URL(ADDRESSES[library], location.href).href));
  useEffect(() => {
    const take = (event: MessageEvent<Told | null>) => {
      const inside = frame.current?.contentWindow;
      if (!inside || event.source !== inside || typeof event.data !== "object") return;
      if (event.data?.ready) inside.postMessage(value, "*"); // The only address of a frame without origin
      const told = heightOf(event.data?.height);
      if (told !== null) setHeight(told);
      const note = event.data?.note;
      if (typeof note === "string") setNotes((before) => (before.length < MOST_NOTES ? [...before, note.slice(0, LONGEST_NOTE)] : before));
    };
    addEventListener("message", take);
    return () => removeEventListener("message", take);
  }, [value]);
  return (
    <>
      <iframe ref={frame} sandbox="allow-scripts" srcDoc={page} title={`Plot of ${name}`} referrerPolicy="no-referrer" style={{ height }} />
      {notes.map((note, index) => (
        <Text key={index} size="sm" className="sentence">
          {note}
        </Text>
      ))}
    </>
  );
}

function pageOf(script: string): string {
  const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";
  const page = document.implementation.createHTMLDocument();
  const policy = page.head.appendChild(page.createElement("meta"));
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = `default-src 'none'; script-src ${script}; style-src 'nonce-${nonce}'; img-src data:`;
  const code = page.createElement("script");
  code.src = script;
  code.setAttribute("nonce", nonce); // Which it passes on to its style elements
  page.body.append(code);
  return `<!doctype html>${page.documentElement.outerHTML}`;
}
