import { Text } from "@mantine/core";
import { useMemo } from "react";

/** A page of a program, in a frame that has no origin, runs no script, sends no form and loads nothing.

The frame inherits the policy of this page: style elements apply with its nonce, everything that is fetched is refused. */
export function Framed({ text }: { text: string }) {
  const page = useMemo(() => withNonce(text), [text]);
  return (
    <>
      <iframe sandbox="" srcDoc={page} title="Page that the program made" referrerPolicy="no-referrer" />
      <Text size="sm">Scripts, and what the page would load from elsewhere, are left out. Download it to see all of it.</Text>
    </>
  );
}

export function withNonce(text: string): string {
  const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";
  const page = new DOMParser().parseFromString(text, "text/html");
  for (const one of page.querySelectorAll("script, base, meta[http-equiv], link, object, embed, iframe, frame")) one.remove();
  for (const style of page.querySelectorAll("style")) style.setAttribute("nonce", nonce);
  return `<!doctype html>${page.documentElement.outerHTML}`;
}
