import { useState } from "react";

const LONGEST_TEXT = 500_000;

export function PlainText({ text }: { text: string }) {
  const [whole, setWhole] = useState(false);
  const cut = text.length > LONGEST_TEXT && !whole;
  return (
    <>
      <pre>{cut ? text.slice(0, LONGEST_TEXT) : text}</pre>
      {cut && <button onClick={() => setWhole(true)}>Show the rest</button>}
    </>
  );
}
