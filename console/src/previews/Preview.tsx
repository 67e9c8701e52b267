import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { call } from "../api/session";
import { parsed } from "../api/json";
import { shownBytes } from "../api/times";
import type { JsonObject, OutputFile } from "../api/types";
import { Loading, Problem } from "../parts/states";
import { Tree } from "../parts/Tree";
import { Framed } from "./Framed";
import { libraryOf } from "./figures";
import { kindOf } from "./kinds";
import { PlainText } from "./PlainText";

const Csv = lazy(() => import("./Csv").then((found) => ({ default: found.Csv })));
const Figure = lazy(() => import("./Figure").then((found) => ({ default: found.Figure })));
const Markdown = lazy(() => import("./Markdown").then((found) => ({ default: found.Markdown })));
const LARGEST = 20 * 1024 * 1024;

export function Preview({ file, address }: { file: OutputFile; address: string }) {
  const kind = kindOf(file);
  const fits = kind !== null && file.size <= LARGEST;
  const content = useQuery({
    queryKey: ["file", address, file.sha256],
    enabled: fits,
    staleTime: Infinity,
    gcTime: 60_000,
    queryFn: async () => (await call(address)).blob(),
  });
  if (kind === null) return <Text mt="xs">Files of the type {file.mediaType} are not shown here. Download it.</Text>;
  if (!fits) return <Text mt="xs">It has {shownBytes(file.size)}, too much to show. Download it.</Text>;
  if (content.isPending) return <Loading what={file.path} />;
  if (content.isError) return <Problem error={content.error} retry={() => void content.refetch()} />;
  return (
    <div className="preview" tabIndex={0} role="group" aria-label={file.path}>
      {kind === "image" ? (
        <Picture content={content.data} file={file} />
      ) : kind === "pdf" ? (
        <Pdf content={content.data} />
      ) : (
        <Textual kind={kind} content={content.data} name={file.path} />
      )}
    </div>
  );
}

/** As an image even SVG runs no script and loads nothing. */
function Picture({ content, file }: { content: Blob; file: OutputFile }) {
  const address = useAddress(content, file.mediaType.split(";")[0] ?? "");
  return address ? <img src={address} alt={file.path} /> : null;
}

function Pdf({ content }: { content: Blob }) {
  const address = useAddress(content, "application/pdf");
  return address ? (
    <a href={address} target="_blank" rel="noopener noreferrer">
      Open the PDF in a new tab
    </a>
  ) : null;
}

interface TextualProps {
  kind: "html" | "csv" | "json" | "markdown" | "text";
  content: Blob;
  name: string;
}

function Textual({ kind, content, name }: TextualProps) {
  const [text, setText] = useState<string | null>(null);
  useEffect(() => {
    let wanted = true;
    void content.text().then((found) => wanted && setText(found));
    return () => {
      wanted = false;
    };
  }, [content]);
  if (text === null) return null;
  if (kind === "html") return <Framed text={text} />;
  if (kind === "json") return <JsonText text={text} name={name} />;
  if (kind === "text") return <PlainText text={text} />;
  return (
    <Suspense fallback={<Loading what="the viewer" />}>
      {kind === "csv" ? <Csv text={text} /> : <Markdown text={text} />}
    </Suspense>
  );
}

function JsonText({ text, name }: { text: string; name: string }) {
  const value = useMemo(() => parsed(text), [text]);
  if (value === undefined) return <PlainText text={text} />;
  const library = libraryOf(value);
  if (library === null) return <Tree value={value} />;
  return (
    <Suspense fallback={<Loading what="the plot" />}>
      <Figure library={library} value={value as JsonObject} name={name} />
    </Suspense>
  );
}

function useAddress(content: Blob, type: string): string | null {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([content], { type }));
    const timer = setTimeout(() => setAddress(made));
    return () => {
      clearTimeout(timer);
      URL.revokeObjectURL(made);
    };
  }, [content, type]);
  return address;
}
