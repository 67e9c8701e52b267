import { Text } from "@mantine/core";
import DOMPurify from "dompurify";
import { marked } from "marked";
import { useEffect, useMemo, useRef } from "react";
import { PlainText } from "./PlainText";

const LONGEST = 256 * 1024;
/** The reader compares each of them with all others: more would stall the page. */
const MOST_UNDERSCORES = 10_000;

/** Markdown as a document; what could run, load or send something is taken out before it is in the page. */
export function Markdown({ text }: { text: string }) {
  const place = useRef<HTMLDivElement>(null);
  const found = useMemo(() => readable(text), [text]);
  useEffect(() => {
    if (found) place.current?.replaceChildren(found.cloneNode(true));
  }, [found]);
  if (found) return <div className="markdown" ref={place} />;
  return (
    <>
      <Text size="sm">It is too long, or nested too deep, to be shown as a document.</Text>
      <PlainText text={text} />
    </>
  );
}

/** The document, or null where making it would stall or end the page: programs write these files. */
export function readable(text: string): DocumentFragment | null {
  if (text.length > LONGEST || text.split("_").length > MOST_UNDERSCORES) return null;
  try {
    return documentOf(text);
  } catch {
    return null;
  }
}

export function documentOf(text: string): DocumentFragment {
  const found = DOMPurify.sanitize(marked.parse(text, { async: false }), {
    RETURN_DOM_FRAGMENT: true,
    USE_PROFILES: { html: true },
    FORBID_TAGS: ["style", "form", "input", "button", "textarea", "select", "audio", "video", "source", "picture"],
    FORBID_ATTR: ["style", "id", "class", "name", "srcset", "target"],
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|data:image\/(?:png|jpeg|gif|webp);)/i,
  });
  // The page's policy would refuse pictures from elsewhere: their texts stand in their places
  for (const image of found.querySelectorAll("img")) {
    if (!image.src.startsWith("data:")) image.replaceWith(image.alt);
  }
  for (const link of found.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  return found;
}
