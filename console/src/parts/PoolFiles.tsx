import { Anchor, Button, Group, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { deleteFile, filePath, forgetFile, type PoolFile } from "../api/pools";
import { call } from "../api/session";
import { shownBytes, shownTime } from "../api/times";
import { Confirm } from "./Confirm";
import { save } from "./save";
import { Empty, Loading, Problem } from "./states";

const Preview = lazy(() => import("../previews/Preview").then((found) => ({ default: found.Preview })));
const PAGE_SIZE = 100;

export interface FileSearch {
  text?: string;
  page?: number;
  file?: string;
}

interface PoolFilesProps {
  namespace: string;
  pool: string;
  files: PoolFile[];
  search: FileSearch;
  change: (search: FileSearch) => void;
}

/** The files by name, a page at a time: a data pool may have ten thousand. */
export function PoolFiles({ namespace, pool, files, search, change }: PoolFilesProps) {
  const later = useDebouncedCallback((text: string) => change({ text: text || undefined, page: undefined }), 300);
  if (files.length === 0) return <Empty>It has no files yet.</Empty>;
  const wanted = (search.text ?? "").toLowerCase();
  const found = wanted ? files.filter((one) => one.name.toLowerCase().includes(wanted)) : files;
  const pages = Math.max(1, Math.ceil(found.length / PAGE_SIZE));
  const page = Math.min(search.page ?? 0, pages - 1);
  const chosen = files.find((one) => one.id === search.file);
  return (
    <>
      <TextInput
        label="Name"
        placeholder="part of a name"
        defaultValue={search.text ?? ""}
        onChange={(event) => later(event.currentTarget.value)}
        maw={320}
        my="sm"
      />
      <ul className="files" aria-label="Files">
        {found.slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE).map((one) => (
          <FileLine
            key={one.id}
            namespace={namespace}
            pool={pool}
            file={one}
            open={one === chosen}
            show={(file) => change({ file })}
          />
        ))}
      </ul>
      <Group component="nav" aria-label="Pages of the files" gap="xs" mt="xs">
        <Text size="sm">
          {found.length.toLocaleString()} of {files.length.toLocaleString()} files,{" "}
          {shownBytes(found.reduce((sum, one) => sum + one.contentLength, 0))}, page {page + 1} of {pages}
        </Text>
        <Button size="compact-xs" variant="default" disabled={page === 0} onClick={() => change({ page: page - 1 || undefined })}>
          Before
        </Button>
        <Button size="compact-xs" variant="default" disabled={page + 1 >= pages} onClick={() => change({ page: page + 1 })}>
          Next
        </Button>
      </Group>
      {chosen && (
        <section aria-label={`Content of ${chosen.name}`}>
          <Suspense fallback={<Loading what="the viewer" />}>
            <Preview
              key={chosen.id}
              address={filePath(namespace, pool, chosen.id)}
              file={{ path: chosen.name, size: chosen.contentLength, sha256: chosen.version, mediaType: chosen.contentType }}
            />
          </Suspense>
        </section>
      )}
    </>
  );
}

interface LineProps {
  namespace: string;
  pool: string;
  file: PoolFile;
  open: boolean;
  show: (id: string | undefined) => void;
}

function FileLine({ namespace, pool, file, open, show }: LineProps) {
  const queries = useQueryClient();
  const [failure, setFailure] = useState<unknown>(null);
  const download = async () => {
    setFailure(null);
    try {
      save(await (await call(filePath(namespace, pool, file.id))).blob(), file.name);
    } catch (error) {
      setFailure(error);
    }
  };
  const remove = async () => {
    await deleteFile(namespace, pool, file.id);
    forgetFile(queries, namespace, pool, file.id);
  };
  return (
    <li>
      <Anchor component="button" className="path" aria-expanded={open} onClick={() => show(open ? undefined : file.id)}>
        <bdi>{file.name}</bdi>
      </Anchor>
      <Text size="sm" title={file.sha256 ?? undefined}>
        {shownBytes(file.contentLength)} · {file.contentType} · {shownTime(file.createdAt)}
      </Text>
      <Button size="compact-xs" variant="default" onClick={() => void download()} aria-label={`Download ${file.name}`}>
        Download
      </Button>
      <Confirm ask="Delete …" label={`Delete ${file.name}`} question={`Delete ${file.name}?`} act={remove} />
      {failure !== null && <Problem error={failure} />}
    </li>
  );
}
