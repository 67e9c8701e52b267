import { Anchor, Button, Text } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { executionPath, useFiles } from "../api/queries";
import { call } from "../api/session";
import { shownBytes } from "../api/times";
import { hasEnded, type Execution, type OutputFile } from "../api/types";
import { save } from "./save";
import { Empty, Loading, Problem } from "./states";

const Preview = lazy(() => import("../previews/Preview").then((found) => ({ default: found.Preview })));
const PIECE = 200;

interface FilesProps {
  namespace: string;
  one: Execution;
  shown?: string;
  show: (path: string | undefined) => void;
}

export function Files({ namespace, one, shown, show }: FilesProps) {
  const files = useFiles(namespace, one);
  const [most, setMost] = useState(PIECE);
  if (!hasEnded(one)) return <Empty>There are files when it has ended.</Empty>;
  if (files.isPending) return <Loading what="the files" />;
  if (files.isError) return <Problem error={files.error} retry={() => void files.refetch()} />;
  if (files.data.length === 0) return <Empty>It has left no files.</Empty>;
  const chosen = files.data.find((file) => file.path === shown);
  const address = (file: OutputFile) => `${executionPath(namespace, one.id)}/results/${encoded(file.path)}`;
  return (
    <>
      <ul className="files">
        {files.data.slice(0, most).map((file) => (
          <FileLine key={file.path} file={file} address={address(file)} open={file === chosen} show={show} />
        ))}
      </ul>
      {files.data.length > most && (
        <Button size="xs" variant="default" onClick={() => setMost(most + PIECE)}>
          Show more of {files.data.length - most}
        </Button>
      )}
      {chosen && (
        <section aria-label={`Content of ${chosen.path}`}>
          <Suspense fallback={<Loading what="the viewer" />}>
            <Preview key={chosen.path} file={chosen} address={address(chosen)} />
          </Suspense>
        </section>
      )}
    </>
  );
}

interface LineProps {
  file: OutputFile;
  address: string;
  open: boolean;
  show: (path: string | undefined) => void;
}

function FileLine({ file, address, open, show }: LineProps) {
  const [failure, setFailure] = useState<unknown>(null);
  const download = async () => {
    setFailure(null);
    try {
      save(await (await call(address)).blob(), file.path.split("/").at(-1) ?? "file");
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <li>
      <Anchor component="button" className="path" aria-expanded={open} onClick={() => show(open ? undefined : file.path)}>
        {file.path}
      </Anchor>
      <Text size="sm">
        {shownBytes(file.size)} · {file.mediaType}
      </Text>
      <Button size="compact-xs" variant="default" onClick={() => void download()} aria-label={`Download ${file.path}`}>
        Download
      </Button>
      {failure !== null && <Problem error={failure} />}
    </li>
  );
}

function encoded(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
