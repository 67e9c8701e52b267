import type { JsonObject } from "../../api/types";

/** What the frame tells the page. It is made by a program's figure, and is taken for hostile. */
export interface Told {
  ready?: true;
  height?: number;
  note?: string;
}

export type Draw = (place: HTMLElement, figure: JsonObject, note: (text: string) => void) => Promise<void>;

/** Asks the page for the figure, draws it, and tells how high it is and what was left out. */
export function serve(draw: Draw): void {
  const tell = (told: Told) => parent.postMessage(told, "*"); // A frame without origin knows none, and tells no secret
  const note = (text: string) => tell({ note: text });
  const take = (event: MessageEvent<JsonObject>) => {
    if (event.source !== parent) return;
    removeEventListener("message", take);
    const place = document.body.appendChild(document.createElement("div"));
    draw(place, event.data, note)
      .catch((error: unknown) => note(error instanceof Error ? error.message : String(error)))
      .finally(() => {
        tell({ height: document.documentElement.scrollHeight });
        new ResizeObserver(() => tell({ height: place.scrollHeight })).observe(place);
      });
  };
  addEventListener("message", take);
  document.body.style.margin = "0";
  tell({ ready: true });
}
