"""Brings the files of data pools into the pod before the program starts: several at once, each checked."""

from __future__ import annotations

import os
import signal
import threading

from ..gateway_client import GaveUpError, GoneError, RefusedError, UnavailableError
from ..log import log
from .files import read_index, stretches
from .folder import DamagedError, Folder, NoRoomError, StretchWriter
from .pool_client import PoolClient
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Final

    from ..settings import Settings
    from .files import PoolFile

EXIT_UNAVAILABLE: Final = 4
EXIT_NO_ROOM: Final = 5
EXIT_STOPPED: Final = 128 + signal.SIGTERM
WORKERS: Final = 4
"""The gateway works on eight calls of a pod at the same time."""
_TRIES: Final = 3
"""How often a file is fetched whose content is not what the index lists: a damaged one stays so."""
_MAX_WORDS: Final = 1000


def stage_all(settings: Settings) -> int:
    """Stage all pools; returns the exit code. Why it was not possible is in the termination message, in a sentence."""
    signal.signal(signal.SIGTERM, _leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
    for name in settings.data_pools:
        try:
            Staging(settings, name).run()
        except NoRoomError as error:
            return _end(settings, EXIT_NO_ROOM, f'The node has no room for the data pool "{name}": {error}.')
        except GoneError as error:
            return _end(settings, EXIT_UNAVAILABLE, str(error))
        except (UnavailableError, RefusedError, GaveUpError) as error:
            return _end(settings, EXIT_UNAVAILABLE, f'The data pool "{name}": {error}')
        except OSError as error:
            words = (
                f'The data pool "{name}": the file "{error.filename}" cannot be written: {error.strerror}.'
            )
            return _end(settings, EXIT_UNAVAILABLE, words)
    return 0


class Staging:
    """The staging of one pool."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._path = f"{settings.data_pool_directory}/{name}"
        self._lock = threading.Lock()
        self._failure: BaseException | None = None

    def run(self) -> None:
        """Return when every file is there. Raises UnavailableError, RefusedError, GaveUpError, GoneError, NoRoomError,
        and OSError of a file."""
        files = read_index(self._client().index())
        folder = Folder(self._path, writable=self._name in self._settings.writable_pools)
        try:
            whole = folder.whole()
            missing = [file for file in files if whole.get(file.name) != file.size]
            progress = Progress(self._name, files, missing)
            work = stretches(missing)
            threads = [
                threading.Thread(target=self._work, args=(folder, work, progress), daemon=True)
                for _ in range(min(WORKERS, len(missing)))
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if self._failure is not None:
                raise self._failure
            progress.end()
        finally:
            folder.close()

    def _client(self) -> PoolClient:
        return PoolClient(self._settings, self._name)

    def _work(self, folder: Folder, work: Iterator[list[PoolFile]], progress: Progress) -> None:
        try:
            client = self._client()
            while self._failure is None:
                with self._lock:
                    stretch = next(work, None)
                if stretch is None:
                    return
                self._fetch(client, folder, stretch, progress)
        except BaseException as error:  # noqa: BLE001 - raised again where the threads are awaited
            self._failure = self._failure or error

    def _fetch(self, client: PoolClient, folder: Folder, stretch: list[PoolFile], progress: Progress) -> None:
        writer = StretchWriter(folder, stretch)
        sink = _Watched(writer, progress, lambda: self._failure is not None)
        damaged = ""
        tries = 0
        try:
            while True:
                try:
                    client.content(sink)
                except DamagedError as error:
                    client.http.close()
                    tries = tries + 1 if error.name == damaged else 1
                    damaged = error.name
                    log("a file is fetched again", pool=self._name, file=damaged)
                    if tries >= _TRIES:
                        raise UnavailableError(
                            f'The file "{damaged}" is damaged: its content is not what its pool has listed.'
                        ) from None
                    writer.begin_again()
                else:
                    return
        finally:
            writer.close()
            progress.add_files(writer.finished)


class StoppedError(Exception):
    """Another thread has failed."""


class _Watched:
    """Gives what comes to the writer, and counts it."""

    def __init__(self, writer: StretchWriter, progress: Progress, stopped: Callable[[], bool]) -> None:
        self._writer = writer
        self._progress = progress
        self._stopped = stopped

    @property
    def position(self) -> int:
        return self._writer.position

    @property
    def end(self) -> int:
        return self._writer.end

    def write(self, piece: memoryview) -> None:
        if self._stopped():
            raise StoppedError
        self._writer.write(piece)
        self._progress.add_bytes(len(piece))


def _leave(_number: int, _frame: object) -> None:
    os._exit(EXIT_STOPPED)


def _end(settings: Settings, code: int, words: str) -> int:
    log("the data pools are not there", why=words)
    try:
        with open(settings.termination_log, "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(words[:_MAX_WORDS])
    except OSError as error:
        log("the reason cannot be told", why=str(error))
    return code
