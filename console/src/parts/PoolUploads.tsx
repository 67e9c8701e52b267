import { Button, FileButton, Group, Text } from "@mantine/core";
import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect, useState, useSyncExternalStore, type DragEvent } from "react";
import { knownFiles, noteFile } from "../api/pools";
import { shownBytes } from "../api/times";
import { isThere, sendFile, Uploads, type Upload } from "../api/uploads";

interface PoolUploadsProps {
  namespace: string;
  pool: string;
}

/** A place for files to be dropped on, a button for the keyboard, and what is under way. Leaving the page stops it. */
export function PoolUploads({ namespace, pool }: PoolUploadsProps) {
  const queries = useQueryClient();
  const [uploads] = useState(() => uploadsTo(queries, namespace, pool));
  const shown = useSyncExternalStore(uploads.subscribe, uploads.list);
  const [over, setOver] = useState(false);
  const [folders, setFolders] = useState<string[]>([]);
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => uploads.busy && event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => {
      removeEventListener("beforeunload", warn);
      uploads.dropAll();
    };
  }, [uploads]);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const dropped = filesOf(event.dataTransfer);
    setFolders(dropped.folders);
    uploads.add(dropped.files);
  };
  return (
    <section
      aria-label="Upload"
      className={over ? "drop over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <Group gap="sm">
        <Text size="sm">Drop files here, or</Text>
        <FileButton multiple onChange={(chosen) => uploads.add(chosen)} inputProps={{ "aria-label": "Files to upload" }}>
          {(properties) => (
            <Button {...properties} size="xs" variant="default">
              Choose files
            </Button>
          )}
        </FileButton>
        {shown.some((one) => one.state === "done" || one.state === "same") && (
          <Button size="xs" variant="default" onClick={() => uploads.dropEnded()}>
            Hide what has arrived
          </Button>
        )}
      </Group>
      {folders.length > 0 && (
        <Text size="sm" role="status">
          Data pools have no folders. Left out: {folders.join(", ")}
        </Text>
      )}
      {shown.length > 0 && (
        <ul className="files" aria-label="Uploads">
          {shown.slice(-MOST_SHOWN).map((one) => (
            <UploadLine key={one.key} upload={one} uploads={uploads} />
          ))}
        </ul>
      )}
      {shown.length > MOST_SHOWN && <Text size="sm">And {shown.length - MOST_SHOWN} before these.</Text>}
      <span className="skip" role="status">
        {shown.length > 0 && `${shown.filter((one) => one.state === "done" || one.state === "same").length} of ${shown.length} uploaded`}
      </span>
    </section>
  );
}

const MOST_SHOWN = 200;
const STATES: Record<Upload["state"], string> = {
  waiting: "waits",
  sending: "is sent",
  again: "is tried again soon",
  done: "has arrived",
  same: "was there already",
  failed: "was not taken",
};

function UploadLine({ upload, uploads }: { upload: Upload; uploads: Uploads }) {
  const ended = upload.state === "done" || upload.state === "same";
  return (
    <li>
      <span className="path">
        <bdi>{upload.name}</bdi>
      </span>
      {!ended && (
        <progress max={Math.max(1, upload.size)} value={upload.sent} aria-label={`Sent of ${upload.name}`} />
      )}
      <Text size="sm">
        {shownBytes(upload.size)} · {STATES[upload.state]}
      </Text>
      {upload.error instanceof Error && (
        <Text size="sm" className="status-red sentence" role="alert">
          {upload.error.message}
        </Text>
      )}
      {upload.state === "failed" && (
        <Button size="compact-xs" variant="default" onClick={() => uploads.retry(upload.key)} aria-label={`Send ${upload.name} again`}>
          Try again
        </Button>
      )}
      {!ended && (
        <Button size="compact-xs" variant="default" onClick={() => uploads.drop(upload.key)} aria-label={`Do not upload ${upload.name}`}>
          {upload.state === "failed" ? "Hide" : "Stop"}
        </Button>
      )}
    </li>
  );
}

function uploadsTo(queries: QueryClient, namespace: string, pool: string): Uploads {
  return new Uploads(
    (file, progress, signal) => sendFile(namespace, pool, file, progress, signal),
    (file) => noteFile(queries, namespace, pool, file),
    (file) => isThere(file, knownFiles(queries, namespace, pool)),
  );
}

/** What was dropped: files, and the names of folders, which a data pool cannot have. */
function filesOf(dropped: DataTransfer): { files: File[]; folders: string[] } {
  const files: File[] = [];
  const folders: string[] = [];
  for (const item of dropped.items) {
    const entry = item.webkitGetAsEntry();
    const file = item.getAsFile();
    if (entry?.isDirectory) folders.push(entry.name);
    else if (file) files.push(file);
  }
  return { files, folders };
}
