import DOMPurify from "dompurify";
import { marked } from "marked";
import { useEffect, useRef } from "react";

/** Markdown as a document; what could run, load or send something is taken out before it is in the page. */
export function Markdown({ text }: { text: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    place.current?.replaceChildren(documentOf(text));
  }, [text]);
  return <div className="markdown" ref={place} />;
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
