"""One launcher at a time per instance."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from cluster.console import say
from cluster.settings import Instance


@contextmanager
def exclusive(instance: Instance) -> Iterator[None]:
    """Wait until no other launcher works on the instance; the lock ends with the process, however it ends."""
    path = instance.lock_file
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"  another command works on cluster {instance.name!r}; waiting for it …")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # `down` removes the file while it holds the lock: then this one is not the file of that name any more.
        try:
            same = path.stat().st_ino == os.fstat(descriptor).st_ino
        except FileNotFoundError:
            same = False
        if same:
            break
        os.close(descriptor)
    try:
        yield
    finally:
        os.close(descriptor)
